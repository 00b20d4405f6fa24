// Heliograph for Node.js and Electron's main process: notices requests that fail, and reports them
// when users agree. docs/node.md is the five-minute start; index.d.ts says what everything is.
"use strict";

const { isMainThread } = require("node:worker_threads");
const { Agent, spoolDir } = require("./agent.js");
const { outcomeOf } = require("./outcome.js");
const { Thread } = require("./threads.js");

// There is one agent in a thread, however many copies of this package there are.
const KEY = Symbol.for("heliograph-node");

function start(options) {
  globalThis[KEY] ??= isMainThread ? new Agent(options) : new Thread(options);
  const agent = globalThis[KEY];
  return {
    get trouble() {
      return agent.trouble;
    },
    setConsent: (consent) => agent.setConsent(consent),
    observe: (o) => quietly(() => agent.observe(o)),
    captureError: (error) => quietly(() => agent.captureError(error)),
    flush: (milliseconds) => agent.flush(milliseconds),
    sent: () => agent.sent(),
    stats: () => agent.stats(),
    stop: async () => {
      await agent.stop();
      if (globalThis[KEY] === agent) delete globalThis[KEY];
    },
  };
}

// What cannot be recorded is left out; it is never the program's fault.
function quietly(record) {
  try {
    record();
  } catch {
    // a URL that is none
  }
}

exports.start = start;
exports.spoolDir = spoolDir;
exports.outcomeOf = (error) => outcomeOf(error);
