// Collects what is seen and passes it on some times a second, so that a request costs little.
"use strict";

const PAUSE = 250; // milliseconds from the first request to passing on
const MAX_FAILURES = 512; // one by one; more of them are only counted
const MAX_KINDS = 1000; // of counts at a time; more are lost, and told so
const MAX_ERRORS = 64;

class Recorder {
  #send;
  #timer;
  #failures = [];
  #errors = [];
  #counts = new Map();
  #began = 0;
  #lost = 0;

  /** send gets messages as wasm/npm/src/messages.ts defines them. */
  constructor(send) {
    this.#send = send;
  }

  /** Records a request that has ended. */
  request(seen) {
    const now = Date.now();
    const key = [seen.scheme, seen.host, seen.outcome, seen.protocol ?? "", seen.status ?? 0, seen.flags ?? 0];
    if (seen.outcome !== "ok" && this.#failures.length < MAX_FAILURES) {
      this.#failures.push([...key, seen.start ?? now, Math.max(Math.round(seen.elapsed ?? 0), 0), seen.method ?? "GET", seen.url ?? "", seen.server ?? "", seen.traceparent ?? ""]);
    } else {
      this.#count([...key, bucket(seen.elapsed)], seen.server ?? "", now);
    }
    this.#later();
  }

  #count(key, server, now) {
    const name = JSON.stringify([key, server]);
    const row = this.#counts.get(name);
    if (row) row.count++;
    else if (this.#counts.size >= MAX_KINDS) this.#lost++;
    else this.#counts.set(name, { key, server, count: 1 });
    this.#began ||= now;
  }

  /** Records an error of the program itself. */
  error(message) {
    if (this.#errors.length < MAX_ERRORS) this.#errors.push(message);
    else this.#lost++;
    this.#later();
  }

  #later() {
    this.#timer ??= setTimeout(() => this.flush(), PAUSE).unref();
  }

  /** Passes on what there is, and tells whether there was anything. */
  flush() {
    const messages = [...this.#errors];
    if (this.#failures.length > 0) messages.push({ t: "observe", list: this.#failures });
    if (this.#counts.size > 0) {
      const list = [...this.#counts.values()].map(({ key, server, count }) => [...key, count, server]);
      messages.push({ t: "counts", start: this.#began, end: Date.now(), ppm: 0, list });
    }
    if (this.#lost > 0) messages.push({ t: "lost", count: this.#lost });
    this.clear();
    for (const m of messages) this.#send(m);
    return messages.length > 0;
  }

  /** Forgets everything. */
  clear() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#failures = [];
    this.#errors = [];
    this.#counts.clear();
    this.#began = this.#lost = 0;
  }
}

/**
 * The bucket of a duration in a histogram of package report; 0 for what took less than a
 * millisecond, or is unknown.
 */
function bucket(milliseconds) {
  return milliseconds > 1 ? Math.ceil(8 * Math.log2(milliseconds)) : 0;
}

module.exports = { Recorder };
