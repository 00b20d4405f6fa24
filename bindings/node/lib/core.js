// The thread that runs the Go program: it seals, stores and delivers. Messages are those of
// wasm/npm/src/messages.ts; what this file adds is "leave", on which the program's thread waits
// at its end.
"use strict";

const { parentPort, workerData } = require("node:worker_threads");
const fs = require("node:fs");
const path = require("node:path");
const { deliver } = require("./deliver.js");
const { files, realPath, SPOOL } = require("./files.js");
const { Locks } = require("./locks.js");

const LEAVING = -1; // the id of the flush that "leave" asks for

globalThis.crypto ??= require("node:crypto").webcrypto; // Node 18
const locks = new Locks();
let output = "", left; // what Go printed last; the flag that the other thread waits for

globalThis.fs = files(workerData.spool, locks, (text) => {
  output = (output + Buffer.from(text).toString()).slice(-512);
  return text.length;
});
globalThis.path = path.posix;
globalThis.heliographLock = (fd, name) => locks.lock(fd, realPath(workerData.spool, name));
globalThis.fetch = deliver;
globalThis.postMessage = (message) => {
  if (message.t === "reply" && message.id === LEAVING) signal();
  else parentPort.postMessage(message);
};

require("./wasm_exec.js");

const go = new globalThis.Go();
go.exit = () => {};
const module_ = new WebAssembly.Module(fs.readFileSync(path.join(__dirname, "heliograph.wasm")));
const ended = go.run(new WebAssembly.Instance(module_, go.importObject));
globalThis.heliographReceive({ ...workerData.init, t: "init", db: SPOOL });

parentPort.on("message", (message) => {
  if (message.t !== "leave") return globalThis.heliographReceive(message);
  left = new Int32Array(message.flag);
  globalThis.heliographReceive({ t: "flush", id: LEAVING });
});

ended.then(() => parentPort.postMessage({ t: "failed", reason: "wasm", text: `the agent ended: ${output}`, again: true }));

function signal() {
  Atomics.store(left, 0, 1);
  Atomics.notify(left, 0);
}
