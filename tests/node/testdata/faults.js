// Makes one request to each target with one client, all at once, and reads the answers to
// their ends.
//
//   faults.js POLICY SPOOL CLIENT {TARGET PATIENCE}…
"use strict";

const heliograph = require("heliograph-node");
const http = require("node:http");
const https = require("node:https");

const [policy, spool, client, ...cases] = process.argv.slice(2);
const agent = heliograph.start({ app: "node-test", version: "1.2.3", policy, spool, consent: "diagnostics" });
const headers = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };

function byHTTP(url, patience) {
  return new Promise((resolve, reject) => {
    const get = url.startsWith("https:") ? https.get : http.get;
    const request = get(url, { headers, timeout: patience }, (response) => {
      response.on("error", reject).on("end", () => resolve(response.statusCode)).resume();
    });
    request.on("timeout", () => request.destroy(new Error("too slow"))).on("error", reject);
  });
}

async function byFetch(url, patience, get = fetch) {
  const response = await get(url, { headers, signal: AbortSignal.timeout(patience) });
  await response.text();
  return response.status;
}

async function byRequest(url, patience) {
  const response = await require("undici").request(url, { headers, signal: AbortSignal.timeout(patience) });
  await response.body.text();
  return response.statusCode;
}

const clients = { "node:http": byHTTP, fetch: byFetch, "undici.fetch": (url, patience) => byFetch(url, patience, require("undici").fetch), "undici.request": byRequest };

async function meet([target, patience]) {
  try {
    console.log(target, await clients[client](`${target}/cart?card=1234`, patience));
  } catch (error) {
    console.log(target, error.cause?.code ?? error.code ?? error.name, error.message);
  }
}

(async () => {
  const pairs = cases.flatMap((target, i) => (i % 2 === 0 ? [[target, Number(cases[i + 1])]] : []));
  const longest = Math.max(...pairs.map(([, patience]) => patience));
  // whose patience is short comes when the others are done: fetch does not say why its caller gave
  // up before there was a connection, which takes long when everything begins at once
  await Promise.all(pairs.filter(([, patience]) => patience === longest).map(meet));
  await Promise.all(pairs.filter(([, patience]) => patience < longest).map(meet));
  const waiting = await agent.flush(60_000);
  if (waiting > 0 || agent.trouble) throw new Error(`${waiting} reports wait: ${agent.trouble}`);
})();
