// The agent of a process: what it sees in its main thread and hears from other threads, it gives to
// the thread that runs the core.
"use strict";

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { Worker } = require("node:worker_threads");
const { Recorder } = require("./recorder.js");
const { describe } = require("./stack.js");
const { Hub } = require("./threads.js");
const { watch } = require("./watch.js");
const { checked, levels, observation } = require("./options.js");

const MAX_POLICY = 64 << 10;
const AGAIN = 60_000; // milliseconds after which a core that broke down is started again
const ANSWER = 30_000; // milliseconds that an answer of the core is waited for

class Agent {
  #options;
  #level = 0; // the user's
  #core; // the thread; undefined: none is needed
  #stopWatching;
  #recorder = new Recorder((m) => this.#tell(m));
  #hub;
  #asked = new Map(); // id: the function that takes the answer
  #ids = 0;
  #dirty = false; // something was recorded since the last flush
  #again;
  #ended = false;
  #trouble = "";
  #monitor = (error) => this.#uncaught(error);
  #leave = () => this.#atExit();

  constructor(options) {
    try {
      if (process.type === "renderer") throw new Error("a window of Electron has no threads of Node: start the agent in the main process, and the package heliograph in the page");
      this.#options = checked(options);
      this.#options.policy = policyOf(options.policy);
    } catch (error) {
      this.#trouble = error.message;
      this.#ended = true;
      return;
    }
    this.#hub = new Hub((m) => this.#forwarded(m));
    process.on("exit", this.#leave);
    if (this.#options.exceptions) process.on("uncaughtExceptionMonitor", this.#monitor);
    if (options.consent !== undefined) this.#apply(levels[options.consent]);
  }

  get trouble() {
    return this.#trouble;
  }

  #apply(level) {
    this.#level = level;
    if (level === 0) {
      this.#stopWatching?.();
      this.#stopWatching = undefined;
      this.#recorder.clear();
      this.#dirty = false;
    } else {
      this.#stopWatching ??= watch((seen) => this.#see(seen));
    }
    this.#hub.announce(level);
    if (this.#core) this.#core.postMessage({ t: "consent", level });
    // without consent there is only something to do for what an earlier run has left
    else if (level > 0 || fs.existsSync(this.#options.spool)) this.#start();
  }

  async setConsent(consent) {
    if (!Object.hasOwn(levels, consent)) throw new TypeError(`consent: ${consent}: must be "off", "counts" or "diagnostics"`);
    if (this.#ended) return;
    this.#apply(levels[consent]);
    await this.#ask("stats"); // the core does one after the other, so what was to be deleted is
  }

  #start() {
    const { app, version, policy, spool } = this.#options;
    const { NODE_OPTIONS, ...env } = process.env;
    try {
      this.#core = new Worker(path.join(home(), "core.js"), {
        name: "heliograph", stdout: true, stderr: true, execArgv: [], env,
        workerData: { spool, init: { app, version, policy, os: systems[process.platform] ?? process.platform, consent: this.#level } },
      });
    } catch (error) {
      this.#trouble = `the agent's thread does not start: ${error.message}`;
      return;
    }
    const core = this.#core;
    core.on("message", (m) => this.#hear(core, m));
    core.on("error", (error) => this.#broken(core, `the agent broke down: ${error.message}`));
    core.on("exit", () => this.#broken(core, "the agent's thread has ended"));
    core.unref(); // after the listeners, which would keep the program alive
  }

  #hear(core, m) {
    if (m.t === "reply") {
      const take = this.#asked.get(m.id);
      this.#asked.delete(m.id);
      take?.(m.value);
    } else if (m.t === "failed") {
      this.#broken(core, m.text, m.again);
    } else if (m.t === "ready") {
      this.#trouble = "";
    } else if (m.t === "status" && m.done && core === this.#core && this.#level === 0) {
      this.#end(); // no consent, and nothing is left to do
    }
  }

  #broken(core, text, again = true) {
    if (core !== this.#core) return;
    this.#trouble = text;
    this.#end();
    if (again && !this.#ended) {
      clearTimeout(this.#again);
      this.#again = setTimeout(() => this.#core ?? this.#start(), AGAIN).unref();
    }
  }

  #end() {
    const core = this.#core;
    this.#core = undefined;
    for (const take of this.#asked.values()) take(undefined);
    this.#asked.clear();
    return core?.terminate();
  }

  #see(seen) {
    if (this.#level === 0 || this.#options.ignore?.(seen.url)) return;
    this.#recorder.request(seen);
  }

  #tell(message) {
    this.#dirty = true;
    this.#core?.postMessage(message);
  }

  // Messages of recorders in other threads.
  #forwarded(message) {
    if (this.#level > 0 && !this.#ended) this.#tell(message);
  }

  observe(o) {
    if (this.#level > 0 && !this.#ended) this.#see(observation(o));
  }

  captureError(error) {
    if (this.#level > 0 && !this.#ended) this.#recorder.error(describe(error, 1));
  }

  #uncaught(error) {
    if (this.#level === 0 || this.#ended) return;
    this.#recorder.error(describe(error, 2));
    this.#recorder.flush();
  }

  #ask(t, patience = ANSWER) {
    if (!this.#core) return Promise.resolve(undefined);
    const id = ++this.#ids;
    return new Promise((resolve) => {
      // the only wait that keeps a program alive is one that it awaits
      const timer = setTimeout(() => {
        this.#asked.delete(id);
        resolve(undefined);
      }, patience);
      this.#asked.set(id, (value) => {
        clearTimeout(timer);
        resolve(value);
      });
      this.#core.postMessage({ t, id });
    });
  }

  async flush(milliseconds = 5000) {
    this.#recorder.flush();
    this.#dirty = false;
    await this.#ask("flush", milliseconds);
    return (await this.#ask("stats"))?.pending ?? 0;
  }

  async sent() {
    return (await this.#ask("sent")) ?? [];
  }

  async stats() {
    return (await this.#ask("stats")) ?? {};
  }

  async stop() {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#again);
    process.off("exit", this.#leave);
    process.off("uncaughtExceptionMonitor", this.#monitor);
    this.#stopWatching?.();
    this.#recorder.flush();
    this.#hub.close();
    this.#trouble = "the agent was stopped";
    const core = this.#core;
    if (core) {
      const over = new Promise((resolve) => core.once("message", function listen(m) {
        if (m.t === "stopped") resolve();
        else core.once("message", listen);
      }));
      core.postMessage({ t: "stop" });
      const timer = {};
      await Promise.race([over, new Promise((resolve) => { timer.id = setTimeout(resolve, ANSWER); })]);
      clearTimeout(timer.id);
    }
    await this.#end();
  }

  // Node runs nothing but this when a program ends, so the program's thread waits while the core's
  // seals and tries to deliver.
  #atExit() {
    try {
      this.#recorder.flush();
      if (!this.#core || !(this.#dirty || this.#level === 0)) return;
      const flag = new SharedArrayBuffer(4);
      this.#core.postMessage({ t: "leave", flag });
      Atomics.wait(new Int32Array(flag), 0, 0, this.#options.exitTimeout);
    } catch {
      // the program ends as it would
    }
  }
}

// The directory of the core's files. Threads of old versions of Electron see no archive of an
// application, but what is unpacked beside it.
function home() {
  const unpacked = __dirname.replace(/\.asar(?=[\\/])/, ".asar.unpacked");
  return fs.existsSync(path.join(unpacked, "core.js")) ? unpacked : __dirname;
}

// The families of systems that the other agents, in the words of Go, name differently.
const systems = { win32: "windows", sunos: "solaris" };

function policyOf(policy) {
  if (policy instanceof Uint8Array) return new Uint8Array(policy);
  if (typeof policy !== "string" || policy === "") throw new Error("policy: the name of the operator's signed policy, or its bytes, is required");
  let size;
  try {
    size = fs.statSync(policy).size;
    if (size <= MAX_POLICY) return new Uint8Array(fs.readFileSync(policy));
  } catch (error) {
    throw new Error(`policy: ${error.message}`);
  }
  throw new Error(`policy: ${policy} has ${size} bytes, which no policy has`);
}

/** The directory for an application's spool where the user's caches are. */
function spoolDir(app) {
  const home = os.homedir();
  const base = {
    win32: () => process.env.LOCALAPPDATA || path.join(home, "AppData", "Local"),
    darwin: () => path.join(home, "Library", "Caches"),
  }[process.platform]?.() ?? (process.env.XDG_CACHE_HOME || path.join(home, ".cache"));
  return path.join(base, app, "heliograph");
}

module.exports = { Agent, spoolDir };
