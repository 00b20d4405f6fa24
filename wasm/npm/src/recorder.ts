// What the page has seen and the worker does not know yet. Everything here is memory: without the
// worker nothing can be sealed, and what is not sealed is stored nowhere.
//
// As long as no worker runs, requests are counted in windows. A window with a failure is kept for
// certain; one without is kept by a coin, and the report says with which chance, so that the
// operator's ratios stay true. Once the worker runs, the agent in it has windows and coins of its
// own, and gets everything.

import { flagNetworkChanged, type CountRow, type CountsMessage, type ErrorMessage, type ObserveRow, type ToWorker } from "./messages.ts";

/** How long a window lasts, in milliseconds. */
export const windowLength = 60_000;
/** How long what has been seen may wait before the worker gets it, in milliseconds. */
export const batchDelay = 1000;
/** How many failures are handed over at once. */
export const batchSize = 64;
/** At most this much waits for the worker; the rest is dropped and counted. */
export const maxFailures = 512;
export const maxKinds = 1000;
export const maxErrors = 64;

/** What a recorder needs of its surroundings. */
export interface Surroundings {
  /** How many windows without a failure are kept, 0 to 1. */
  fraction: number;
  /** There is something to seal: the worker is wanted, if it does not run. */
  need(): void;
  /** The worker runs: take what there is. */
  due(): void;
}

export interface Recorder {
  /** Requests seen, and requests and errors dropped, since the page began. */
  totals(): { observed: number; dropped: number };
  /** Records one request. */
  addRequest(row: ObserveRow): void;
  /** Records one error of the application, which is only made if there is room for it. */
  addError(make: () => ErrorMessage): void;
  /** Marks what failed before the network changed. */
  networkChanged(): void;
  /** Takes from what waits what the level "counts" does not cover. */
  dropDetails(): void;
  /** Says whether a worker takes what is recorded. */
  workerRuns(worker: boolean): void;
  /** Returns everything that waits, as messages, and keeps nothing. */
  takeAll(): ToWorker[];
}

export function newRecorder(s: Surroundings): Recorder {
  let observed = 0;
  let dropped = 0;
  let lost = 0; // dropped, and not told to the worker
  let kept: CountsMessage[] = []; // closed windows
  let kinds = 0; // rows in kept and open
  let open = new Map<string, CountRow>(); // of the open window
  let start = 0; // of the open window; 0: none is open
  let ppm = 0; // of the open window; -1: the coin fell against it
  let failures: ObserveRow[] = []; // in the open window
  let errors: ErrorMessage[] = [];
  let running: boolean | undefined;
  let cancel: ReturnType<typeof setTimeout> | undefined; // the timer

  const drop = () => {
    lost++;
    dropped++;
  };

  const count = (row: ObserveRow) => {
    // what took less than a millisecond is not told from what cannot be told
    const key = [...row.slice(0, 6), Math.ceil(8 * Math.log2(row[7]))];
    const known = open.get(key.join());
    if (known) {
      known[7]++;
    } else if (kinds < maxKinds) {
      kinds++;
      open.set(key.join(), [...key, 1] as CountRow);
    } else {
      drop();
    }
  };

  const reset = () => {
    open = new Map();
    failures = [];
    start = 0;
    clearTimeout(cancel);
    cancel = undefined;
  };

  const keep = () => {
    if (ppm >= 0 && open.size) kept.push({ t: "counts", start, end: Date.now(), ppm, list: [...open.values()] });
    else kinds -= open.size;
  };

  // A window that no worker took ends. What failed in it is from now on told by its number, with
  // the window's time.
  const close = () => {
    if (!start) return;
    failures.forEach(count);
    keep();
    reset();
  };

  // Sets the timer, from now on.
  const schedule = (ms: number) => {
    clearTimeout(cancel);
    cancel = setTimeout(() => {
      cancel = undefined;
      if (running) s.due();
      else close();
    }, ms);
  };

  const begin = () => {
    if (start) return;
    start = Date.now();
    ppm = 0;
    if (running) return schedule(batchDelay);
    schedule(windowLength);
    // The coin is tossed at the beginning rather than at the end, which is the same to the
    // operator's figures. It lets the worker start in time, so that visits shorter than a window
    // are counted too.
    ppm = -1;
    if (Math.random() >= s.fraction) return;
    ppm = s.fraction < 1 ? Math.round(s.fraction * 1e6) : 0;
    s.need();
  };

  const failed = () => {
    ppm = 0;
    s.need();
    if (!running) return;
    if (failures.length >= batchSize) s.due();
    else schedule(0);
  };

  return {
    totals: () => ({ observed, dropped }),
    addRequest(row) {
      observed++;
      begin();
      if (row[2] === "ok") return count(row);
      if (failures.length < maxFailures) failures.push(row);
      else drop();
      failed();
    },
    addError(make) {
      if (errors.length >= maxErrors) return drop();
      errors.push(make());
      begin();
      failed();
    },
    networkChanged() {
      for (const f of failures) f[5] |= flagNetworkChanged;
    },
    dropDetails() {
      for (const f of failures) f.splice(8, 3, "", "");
      for (const e of errors) e.message = e.stack = "";
    },
    workerRuns(worker) {
      running = worker;
      if (start) schedule(running ? 0 : windowLength);
    },
    takeAll() {
      keep();
      const out: ToWorker[] = kept;
      if (failures.length) out.push({ t: "observe", list: failures });
      out.push(...errors);
      if (lost) out.push({ t: "lost", count: lost });
      kept = [];
      errors = [];
      lost = kinds = 0;
      reset();
      return out;
    },
  };
}
