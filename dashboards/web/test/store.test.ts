import assert from "node:assert/strict";
import { test } from "node:test";
import { section, trouble, watch } from "../src/live/store.ts";

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

const settled = () => new Promise<void>((resume) => setTimeout(resume, 5));
const last = () => FakeSource.made.at(-1)!;

test("the stream carries what is watched, and nothing else", async () => {
  Object.assign(globalThis, { EventSource: FakeSource });
  const leave = [watch("now"), watch("totals"), watch("totals")];
  await settled();
  assert.equal(FakeSource.made.length, 1, "one stream for all that is watched at once");
  assert.equal(last().url, "/api/v1/stream?sections=now,totals");
  const clock = { now: "2026-11-22T12:00:00Z" };
  last().send("snapshot", { clock, trouble: { since: clock.now }, now: { state: "calm", headline: "Users are fine", why: [] }, totals: { network_count: 1 } });
  assert.equal(section("now").value?.headline, "Users are fine");
  assert.equal(section("totals").value?.network_count, 1);
  assert.equal(trouble.value?.since, clock.now);
  last().send("totals", { network_count: 2 });
  last().send("trouble", null);
  assert.equal(section("totals").value?.network_count, 2);
  assert.equal(trouble.value, null);

  leave[1]!();
  await settled();
  assert.equal(FakeSource.made.length, 1, "somebody else still watches");
  leave[2]!();
  leave.push(watch("incidents"));
  await settled();
  assert.equal(last().url, "/api/v1/stream?sections=incidents,now");
  assert.ok(FakeSource.made[0]!.closed, "the stream before is closed");
  assert.equal(section("totals").value, undefined, "what nobody watches is forgotten");
  assert.equal(section("now").value?.headline, "Users are fine");

  leave[0]!();
  leave[3]!();
  await settled();
  assert.ok(last().closed, "nobody watches");
  assert.equal(FakeSource.made.length, 2);
});
