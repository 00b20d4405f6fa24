import assert from "node:assert/strict";
import { test } from "node:test";
import type { CountsMessage, ErrorMessage, ObserveRow, ToWorker } from "../src/messages.ts";
import { batchDelay, batchSize, maxErrors, maxFailures, maxKinds, windowLength } from "../src/recorder.ts";
import { bench } from "./clock.ts";

function row(outcome: string, start = 1_000_000, host = "shop.example"): ObserveRow {
  return ["https", host, outcome, "h2", outcome === "ok" ? 200 : 0, 0, start, 12.5, "GET", `https://${host}/x`];
}

function error(type = "TypeError"): ErrorMessage {
  return { t: "error", kind: 1, type, message: "m", stack: "s", at: 1 };
}

function counts(messages: ToWorker[]): CountsMessage[] {
  return messages.filter((m): m is CountsMessage => m.t === "counts");
}

test("nothing is wanted of the worker while every request succeeds and the coin falls against the window", () => {
  const b = bench(0.05, [0.05, 0.7]);
  for (let i = 0; i < 100; i++) b.recorder.addRequest(row("ok"));
  b.clock.pass(windowLength);
  b.recorder.addRequest(row("ok"));
  assert.equal(b.needs, 0);
  assert.deepEqual(b.recorder.takeAll(), []);
  assert.deepEqual(b.recorder.totals(), { observed: 101, dropped: 0 });
});

test("a calm window that wins the coin asks for the worker at once, and is told with its chance", () => {
  const b = bench(0.05, [0.0499, 0.9]);
  b.recorder.addRequest(row("ok"));
  assert.equal(b.needs, 1);
  b.clock.pass(20_000);
  b.recorder.addRequest(row("ok"));
  b.clock.pass(40_000);
  b.recorder.addRequest(row("ok")); // in the next window, which loses
  b.clock.pass(10_000);
  assert.deepEqual(b.recorder.takeAll(), [
    { t: "counts", start: 1_000_000, end: 1_060_000, ppm: 50_000, list: [["https", "shop.example", "ok", "h2", 200, 0, 30, 2]] },
  ]);
});

test("fraction 0 keeps no calm window, fraction 1 keeps each for certain", () => {
  const never = bench(0, [0]);
  never.recorder.addRequest(row("ok"));
  assert.deepEqual([never.needs, never.recorder.takeAll()], [0, []]);
  const always = bench(1, [0.999999]);
  always.recorder.addRequest(row("ok"));
  assert.deepEqual([always.needs, counts(always.recorder.takeAll()).map((m) => m.ppm)], [1, [0]]);
});

test("a failure keeps its window for certain, whatever the coin said", () => {
  for (const coin of [0.001, 0.999]) {
    const b = bench(0.05, [coin]);
    b.recorder.addRequest(row("ok"));
    b.recorder.addRequest(row("network.failed", 1_000_007));
    assert.ok(b.needs > 0);
    const got = b.recorder.takeAll();
    assert.equal(counts(got)[0]?.ppm, 0);
    assert.deepEqual(got.slice(1), [{ t: "observe", list: [row("network.failed", 1_000_007)] }]);
    assert.deepEqual(b.recorder.takeAll(), [], "taken twice");
  }
});

test("failures that no worker took in their own minute are told by number, with that minute's time", () => {
  const b = bench(0.05);
  b.recorder.addRequest(row("network.offline"));
  b.recorder.addRequest(row("network.offline"));
  b.recorder.addRequest(row("ok"));
  b.clock.pass(windowLength + 5000);
  b.recorder.addRequest(row("network.failed"));
  assert.deepEqual(b.recorder.takeAll(), [
    { t: "counts", start: 1_000_000, end: 1_060_000, ppm: 0, list: [["https", "shop.example", "ok", "h2", 200, 0, 30, 1], ["https", "shop.example", "network.offline", "h2", 0, 0, 30, 2]] },
    { t: "observe", list: [row("network.failed")] },
  ]);
});

test("with a worker, successes wait for a second and failures for nothing but the next task", () => {
  const b = bench(0.05);
  b.recorder.workerRuns(true);
  b.recorder.addRequest(row("ok"));
  b.clock.pass(batchDelay - 1);
  assert.equal(b.dues, 0);
  b.clock.pass(1);
  assert.equal(b.dues, 1);
  assert.deepEqual(counts(b.recorder.takeAll()).map((m) => [m.ppm, m.list.length]), [[0, 1]]);
  b.recorder.addRequest(row("ok"));
  b.recorder.addRequest(row("http.error"));
  b.clock.pass(0);
  assert.equal(b.dues, 2);
  assert.equal(b.needs, 1); // what was answered and not read goes with a failure
});

test("a burst is handed over in batches", () => {
  const b = bench(0.05);
  b.recorder.workerRuns(true);
  let taken = 0;
  for (let i = 0; i < 1000; i++) {
    b.recorder.addRequest(row("network.failed"));
    if (b.dues > 0) {
      b.dues = 0;
      for (const m of b.recorder.takeAll()) if (m.t === "observe") taken += m.list.length;
    }
  }
  assert.equal(taken, Math.floor(1000 / batchSize) * batchSize);
  assert.equal(b.recorder.totals().dropped, 0);
});

test("memory is bounded, and what exceeds it is counted and told", () => {
  const b = bench(1);
  for (let i = 0; i < maxFailures + 3; i++) b.recorder.addRequest(row("network.failed"));
  for (let i = 0; i < maxErrors + 2; i++) b.recorder.addError(() => error());
  for (let i = 0; i < maxKinds + 5; i++) b.recorder.addRequest(row("ok", 0, `h${i}.example`));
  assert.deepEqual(b.recorder.totals(), { observed: maxFailures + 3 + maxKinds + 5, dropped: 10 });
  const got = b.recorder.takeAll();
  assert.deepEqual(got.at(-1), { t: "lost", count: 10 });
  assert.equal(counts(got)[0]?.list.length, maxKinds);
  assert.deepEqual(b.recorder.takeAll(), [], "lost is told once");
});

test("closed windows share the bound, and lost coins give room back", () => {
  const b = bench(0.5, [0.1, 0.9, 0.1]);
  for (let w = 0; w < 3; w++) {
    for (let i = 0; i < 400; i++) b.recorder.addRequest(row("ok", 0, `h${w}-${i}.example`));
    b.clock.pass(windowLength);
  }
  assert.equal(b.recorder.totals().dropped, 0);
  for (let i = 0; i < 400; i++) b.recorder.addRequest(row("ok", 0, `last${i}.example`));
  assert.equal(b.recorder.totals().dropped, 400 - (maxKinds - 800));
});

test("durations are counted in the buckets of package report's histogram", () => {
  const b = bench(1);
  for (const elapsed of [0, 0.4, 1, 1.01, 2, 2.001, 64, 60, 1024, 20_000]) {
    const r = row("ok");
    r[7] = elapsed;
    b.recorder.addRequest(r);
  }
  const buckets = counts(b.recorder.takeAll())[0]!.list.map((r) => [Math.max(r[6], 0), r[7]]);
  assert.deepEqual(buckets, [[0, 1], [0, 1], [0, 1], [1, 1], [8, 1], [9, 1], [48, 2], [80, 1], [115, 1]]);
});

test("an error that there is no room for is not even looked at", () => {
  const b = bench(1);
  let looked = 0;
  const make = () => {
    looked++;
    return error();
  };
  for (let i = 0; i < maxErrors + 10; i++) b.recorder.addError(make);
  assert.equal(looked, maxErrors);
});

test("a change of network marks what failed before it, a lowered consent takes the details", () => {
  const b = bench(1);
  b.recorder.addRequest(row("network.failed"));
  b.recorder.addError(() => error());
  b.recorder.networkChanged();
  b.recorder.addRequest(row("network.failed"));
  b.recorder.dropDetails();
  const [observed, e] = b.recorder.takeAll();
  assert.deepEqual(observed, { t: "observe", list: [[...row("").slice(0, 2), "network.failed", "h2", 0, 2, 1_000_000, 12.5, "", ""], [...row("").slice(0, 2), "network.failed", "h2", 0, 0, 1_000_000, 12.5, "", ""]] });
  assert.deepEqual(e, { ...error(), message: "", stack: "" });
});

test("no timer stays behind", () => {
  const b = bench(1);
  b.recorder.addRequest(row("network.failed"));
  b.recorder.takeAll();
  assert.equal(b.clock.pending, 0);
  b.recorder.workerRuns(true);
  b.recorder.addRequest(row("network.failed"));
  b.recorder.workerRuns(false); // the worker died with a batch under way
  b.clock.pass(windowLength);
  assert.deepEqual(counts(b.recorder.takeAll()).map((m) => m.list[0]?.[2]), ["network.failed"]);
  assert.equal(b.clock.pending, 0);
});
