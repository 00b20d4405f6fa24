// Worker threads. The agent of a process is in its main thread; the others pass on to it
// what they see.
"use strict";

const { Recorder } = require("./recorder.js");
const { describe } = require("./stack.js");
const { watch } = require("./watch.js");
const { checked, observation } = require("./options.js");

const CHANNEL = "heliograph-node";

/** The main thread's end. take gets the messages of recorders in other threads. */
class Hub {
  #channel = new BroadcastChannel(CHANNEL);
  #level = 0;

  constructor(take) {
    this.#channel.onmessage = ({ data }) => {
      if (data.t === "hello") this.announce(this.#level);
      else if (data.t === "seen") take(data.message);
    };
    this.#channel.unref();
  }

  announce(level) {
    this.#level = level;
    this.#channel.postMessage({ t: "level", level });
  }

  close() {
    this.announce(0);
    this.#channel.close();
  }
}

/**
 * The agent of another thread. The main thread's agent decides on consent, and answers questions.
 */
class Thread {
  #channel = new BroadcastChannel(CHANNEL);
  #recorder = new Recorder((message) => this.#channel.postMessage({ t: "seen", message }));
  #level = 0;
  #heard = false;
  #stopWatching;
  #ignore;
  #trouble = "";
  #leave = () => this.#recorder.flush();

  constructor(options) {
    try {
      this.#ignore = checked({ app: "thread", spool: "thread", ...options }).ignore;
    } catch (error) {
      this.#trouble = error.message;
    }
    this.#channel.onmessage = ({ data }) => {
      if (data.t === "level") this.#apply(data.level);
    };
    this.#channel.unref();
    this.#channel.postMessage({ t: "hello" });
    process.on("exit", this.#leave);
  }

  get trouble() {
    return this.#trouble || (this.#heard ? "" : "the main thread has no agent: start it there, too");
  }

  #apply(level) {
    this.#heard = true;
    this.#level = level;
    if (level > 0) {
      this.#stopWatching ??= watch((seen) => this.#see(seen));
      return;
    }
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    this.#recorder.clear();
  }

  #see(seen) {
    if (!this.#ignore?.(seen.url)) this.#recorder.request(seen);
  }

  observe(o) {
    if (this.#level > 0) this.#see(observation(o));
  }

  captureError(error) {
    if (this.#level > 0) this.#recorder.error(describe(error, 1));
  }

  async setConsent() {
    throw new Error("consent: is set in the main thread");
  }

  async flush() {
    this.#recorder.flush();
    return 0;
  }

  async sent() {
    return [];
  }

  async stats() {
    return {};
  }

  async stop() {
    this.#apply(0);
    process.off("exit", this.#leave);
    this.#channel.close();
  }
}

module.exports = { Hub, Thread };
