// Threads and the workers of a cluster see requests, too.
//
//   threads.js POLICY SPOOL
"use strict";

const heliograph = require("heliograph-node");
const cluster = require("node:cluster");
const { once } = require("node:events");
const { Worker, isMainThread, parentPort, workerData } = require("node:worker_threads");
const { nobody, expect, tell, check } = require("./site.js");

const [policy, spool] = process.argv.slice(2);

async function main() {
  const agent = heliograph.start({ app: "node-threads", policy, spool, consent: "counts" });
  const [threads, workers] = [await nobody(), await nobody()];
  for (let i = 0; i < 2; i++) {
    const thread = new Worker(__filename, { workerData: threads });
    // Both are awaited from the start: a thread that ends soon emits them without a pause between.
    const [[trouble]] = await Promise.all([once(thread, "message"), once(thread, "exit")]);
    check("thread", trouble === "", trouble);
    expect(threads, "tcp.refused");
  }
  const forked = Array.from({ length: 3 }, () => cluster.fork({ TARGET: workers }));
  for (const [code] of await Promise.all(forked.map((worker) => once(worker, "exit")))) {
    check("worker", code === 0, code);
    expect(workers, "tcp.refused");
  }
  check("flush", (await agent.flush(60_000)) === 0, agent.trouble);
  tell();
}

// The main thread tells whether it may be counted.
async function thread() {
  const agent = heliograph.start();
  for (let i = 0; i < 1000 && agent.trouble !== ""; i++) await new Promise((later) => setTimeout(later, 20));
  await fetch(workerData).catch(() => {});
  parentPort.postMessage(agent.trouble);
}

// Another process, with an agent of its own in the same spool.
async function worker() {
  const agent = heliograph.start({ app: "node-threads", policy, spool, consent: "counts" });
  await fetch(process.env.TARGET).catch(() => {});
  await agent.flush(60_000); // what remains may be another's
  await agent.stop();
  process.exit(agent.trouble === "the agent was stopped" ? 0 : 1);
}

if (!isMainThread) void thread();
else if (cluster.isPrimary) void main();
else void worker();
