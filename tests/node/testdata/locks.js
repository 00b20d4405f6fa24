// Many processes write into one spool, and some are killed while they do.
//
//   locks.js POLICY SPOOL TARGET
"use strict";

const heliograph = require("heliograph-node");
const { fork } = require("node:child_process");
const { once } = require("node:events");
const { check } = require("./site.js");

const [policy, spool, target, part] = process.argv.slice(2);
const PROCESSES = 4, FAILURES = 5;

async function child() {
  const agent = heliograph.start({ app: "node-locks", policy, spool, consent: "counts" });
  for (let i = 0; i < FAILURES; i++) {
    agent.observe({ url: target, outcome: "tcp.reset" });
    await agent.flush(50); // the collector does not listen, so that everything stays
  }
  check("sealed", (await agent.stats()).sealed > 0, agent.trouble);
  process.send("sealed");
  if (part === "killed") setInterval(() => agent.observe({ url: target, outcome: "tcp.refused" }) ?? agent.flush(50), 5); // until it is killed
  else await agent.stop();
  if (part !== "killed") process.disconnect();
}

async function main() {
  await Promise.all(Array.from({ length: PROCESSES }, async (_, i) => {
    const p = fork(__filename, [policy, spool, target, i % 2 ? "killed" : "ends"]);
    const exit = once(p, "exit");
    await once(p, "message");
    if (i % 2) p.kill("SIGKILL");
    const [code] = await exit;
    check("child", i % 2 || code === 0, code);
  }));
  console.log(PROCESSES * FAILURES);
}

void (part ? child() : main());
