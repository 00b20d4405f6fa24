import assert from "node:assert/strict";
import { test } from "node:test";
import { retryDelay, Stream, type Status } from "../src/live/stream.ts";

/** An EventSource whose events the test sends. */
class FakeSource extends EventTarget {
  static made: FakeSource[] = [];
  closed = false;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    super();
    FakeSource.made.push(this);
  }

  close(): void {
    this.closed = true;
  }

  send(name: string, data: unknown): void {
    this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(data) }));
  }
}

test("the pause before a try doubles to 30 s, with jitter of half of it", () => {
  assert.deepEqual([0, 1, 2, 5, 50].map((n) => retryDelay(n, 1)), [1000, 2000, 4000, 30_000, 30_000]);
  assert.equal(retryDelay(1, 0), 1000);
});

test("a lost stream is said, retried, and live again with the next snapshot", () => {
  const timers: { run: () => void; ms: number }[] = [];
  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  Object.assign(globalThis, {
    EventSource: FakeSource,
    setTimeout: (run: () => void, ms: number) => timers.push({ run, ms }) - 1,
    clearTimeout: (id: number | undefined) => id !== undefined && timers[id] && (timers[id]!.run = () => {}),
  });
  try {
    const seen: string[] = [];
    const stream = new Stream({
      onEvent: (name) => seen.push(name),
      onStatus: (status: Status) => seen.push(status.kind),
    });
    stream.follow("/s");
    stream.follow("/s");
    assert.equal(FakeSource.made.length, 1, "the same URL is no reason to connect anew");
    FakeSource.made[0]!.send("snapshot", {});
    FakeSource.made[0]!.send("totals", {});
    FakeSource.made[0]!.onerror!();
    assert.ok(FakeSource.made[0]!.closed, "the lost source is closed");
    timers.at(-1)!.run();
    FakeSource.made[1]!.send("snapshot", {});
    const watchdog = timers.at(-1)!;
    assert.equal(watchdog.ms, 45_000);
    watchdog.run(); // nothing was heard for so long
    assert.deepEqual(seen, ["live", "snapshot", "totals", "lost", "live", "snapshot", "lost"]);
    stream.close();
  } finally {
    Object.assign(globalThis, real);
  }
});

test("a stream that rested is not lost since before", (t) => {
  t.mock.timers.enable({ apis: ["Date", "setTimeout"], now: 1000 });
  Object.assign(globalThis, { EventSource: FakeSource });
  const since: number[] = [];
  const stream = new Stream({ onEvent: () => {}, onStatus: (status) => status.kind === "lost" && since.push(status.since) });
  const lose = () => {
    stream.follow("/s");
    FakeSource.made.at(-1)!.onerror!();
    stream.follow(undefined);
  };
  lose();
  t.mock.timers.tick(3_600_000);
  lose();
  assert.deepEqual(since, [1000, 3_601_000]);
});
