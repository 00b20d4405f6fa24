import assert from "node:assert/strict";
import { test } from "node:test";
import { watch } from "../src/live/store.ts";
import { detailOf, states } from "../src/map/servers.ts";

/** An EventSource whose events the test sends. */
class FakeSource extends EventTarget {
  static last: FakeSource;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    super();
    FakeSource.last = this;
  }

  close(): void {}

  send(name: string, data: unknown): void {
    this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(data) }));
  }
}

const settled = () => new Promise<void>((resume) => setTimeout(resume, 5));

test("a server that becomes unknown while bits are fetched is not shown as down", async () => {
  const answers = (url: string) => {
    if (url.startsWith("/api/v1/servers.bits")) return new Response(new Uint8Array([0b1111_0111, 0xff]), { headers: { "X-Servers-Version": "2" } });
    return Response.json({ count: 16, up: 16, down: 0, unknown: 0, topology: "t1", states: "s1", data_centres: [], servers: [] });
  };
  Object.assign(globalThis, { EventSource: FakeSource, fetch: async (url: string) => answers(url) });
  const leave = watch("servers");
  await settled();
  const summary = { count: 16, up: 16, down: 0, unknown: 0, topology: "t1", states: "s1" };
  FakeSource.last.send("snapshot", { servers: summary });
  await settled();
  assert.equal(states.value?.at(3), "down", "of its version there are only the bits of what is up");
  FakeSource.last.send("servers", { ...summary, up: 15, unknown: 1, states: "s2", changes: { since: 1, version: 2, unknown: [3] } });
  assert.equal(states.value?.at(3), "unknown");
  leave();
  await settled();
});

test("who goes over the map asks for what is looked at last, one block at a time, and keeps some", async () => {
  const asked: number[] = [];
  let waits: (() => void) | undefined;
  Object.assign(globalThis, {
    fetch: async (url: string) => {
      const first = Number(new URL(url, "http://localhost").searchParams.get("first"));
      assert.equal(waits, undefined, "one at a time");
      asked.push(first / 250);
      await new Promise<void>((resume) => (waits = resume));
      waits = undefined;
      return Response.json({ servers: Array.from({ length: 250 }, (_, i) => ({ index: first + i, name: `s${first + i}`, state: "up" })) });
    },
  });
  const answer = async () => {
    waits?.();
    await settled();
  };
  for (let block = 0; block < 10; block++) assert.equal(detailOf(block * 250), undefined);
  await answer();
  await answer();
  assert.deepEqual(asked, [0, 9]);
  assert.equal(detailOf(9 * 250 + 7)?.name, "s2257");
  assert.equal(waits, undefined, "what is known is not asked for again");
  for (let block = 10; block < 80; block++) {
    detailOf(block * 250);
    await answer();
  }
  assert.equal(detailOf(79 * 250)?.name, "s19750");
  assert.equal(detailOf(9 * 250), undefined, "what was looked at long ago is forgotten");
  await answer();
  assert.equal(detailOf(9 * 250)?.name, "s2250");
});
