import assert from "node:assert/strict";
import { test } from "node:test";
import type { Section } from "../src/api.gen.ts";
import { SharedStream, type Means } from "../src/live/shared.ts";
import type { Status } from "../src/live/stream.ts";

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

interface Waiting {
  begin: () => void;
  steal: () => void;
}

/** A browser: one lock, and a channel to all of its pages. */
class Browser {
  readonly channels = new Set<FakeChannel>();
  held: Waiting | undefined;
  queue: Waiting[] = [];

  request(page: Page, options: LockOptions, lead: () => Promise<void> | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const one: Waiting = {
        begin: () => {
          this.held = one;
          void Promise.resolve(lead()).then(() => {
            if (this.held === one) this.next();
            resolve();
          });
        },
        steal: () => {
          const tell = () => reject(new DOMException("stolen", "AbortError"));
          if (page.asleep) page.missed.push(tell);
          else tell();
        },
      };
      options.signal?.addEventListener("abort", () => {
        this.queue = this.queue.filter((other) => other !== one);
        if (this.held !== one) reject(new DOMException("given up", "AbortError"));
      });
      if (options.steal) {
        this.held?.steal();
        one.begin();
      } else {
        this.queue.push(one);
        if (this.held === undefined) this.next();
      }
    });
  }

  next(): void {
    this.held = undefined;
    this.queue.shift()?.begin();
  }
}

class FakeChannel {
  onmessage: BroadcastChannel["onmessage"] = null;

  constructor(
    private readonly browser: Browser,
    private readonly page: Page,
  ) {
    browser.channels.add(this);
  }

  postMessage(data: unknown): void {
    for (const other of this.browser.channels) {
      if (other !== this) queueMicrotask(() => other.hear(structuredClone(data)));
    }
  }

  hear(data: unknown): void {
    if (this.page.asleep) this.page.missed.push(() => this.hear(data));
    else if (this.browser.channels.has(this)) this.onmessage?.call(this as never, { data } as MessageEvent);
  }

  close(): void {
    this.browser.channels.delete(this);
  }
}

class Page {
  seen = true;
  asleep = false;
  missed: (() => void)[] = [];
  status: Status["kind"] = "connecting";
  /** Since when the connection is lost, Unix ms. */
  since = NaN;
  readonly got: string[] = [];
  loggedOut = 0;
  readonly stream: SharedStream;

  constructor(browser: Browser, ...sections: Section[]) {
    const locks = { request: (_: string, options: LockOptions, lead: () => Promise<void>) => browser.request(this, options, lead) };
    const means: Means = { locks: locks as never, channel: () => new FakeChannel(browser, this), seen: () => this.seen };
    this.stream = new SharedStream(
      {
        onEvent: (name, data) => this.got.push(`${name} ${Object.keys(data as object).sort().join()}`),
        onStatus: (status) => {
          this.status = status.kind;
          if (status.kind === "lost") this.since = status.since;
        },
        onLoggedOut: () => this.loggedOut++,
      },
      means,
    );
    this.stream.join();
    this.stream.follow(sections);
  }

  wake(): void {
    this.asleep = false;
    for (const hear of this.missed.splice(0)) hear();
  }
}

const settled = () => new Promise<void>((resume) => setImmediate(resume));
const last = () => FakeSource.made.at(-1)!;
const open = () => FakeSource.made.filter((source) => !source.closed).length;
const clock = { now: "2026-11-30T12:00:00Z" };
const trouble = { since: clock.now };

/** Has pages in a browser, a clock that the test moves, and no stream left behind. */
async function browse(name: string, body: (browser: Browser, page: (...sections: Section[]) => Promise<Page>, pass: (ms: number) => void) => Promise<void>): Promise<void> {
  await test(name, async (t) => {
    FakeSource.made = [];
    Object.assign(globalThis, { EventSource: FakeSource });
    t.mock.timers.enable({ apis: ["Date", "setInterval", "setTimeout"], now: Date.parse(clock.now) });
    const browser = new Browser();
    const pages: Page[] = [];
    const page = async (...sections: Section[]) => {
      pages.push(new Page(browser, ...sections));
      await settled();
      return pages.at(-1)!;
    };
    try {
      await body(browser, page, (ms) => t.mock.timers.tick(ms));
    } finally {
      for (const { stream } of pages) stream.leave();
      await settled();
      assert.equal(open(), 0, "a stream is left behind");
      assert.equal(browser.held ?? browser.channels.size, 0, "a lock or a channel is left behind");
    }
  });
}

await browse("pages of a browser share a stream of what all of them show", async (_, page) => {
  const a = await page("now", "totals");
  assert.equal(last().url, "/api/v1/stream?sections=now,totals");
  last().send("snapshot", { clock, trouble, now: {}, totals: {} });
  const b = await page("now");
  assert.equal(FakeSource.made.length, 1, "the stream has what the second page shows");
  assert.deepEqual([b.status, b.got], ["live", ["snapshot clock,now,trouble"]], "it is told what is known");
  const c = await page("servers");
  assert.equal(last().url, "/api/v1/stream?sections=now,servers,totals");
  last().send("snapshot", { clock, trouble, now: {}, totals: {}, servers: {} });
  last().send("servers", { up: 3 });
  last().send("now", {});
  await settled();
  assert.deepEqual(a.got.slice(-2), ["snapshot clock,now,totals,trouble", "now "]);
  assert.deepEqual(b.got.slice(1), ["snapshot clock,now,trouble", "now "]);
  assert.deepEqual(c.got.slice(1), ["snapshot clock,servers,trouble", "servers up"]);
  assert.equal(open(), 1);

  b.stream.follow(["totals"]);
  await settled();
  assert.deepEqual(b.got.at(-1), "snapshot clock,totals,trouble", "what it lacks is known");
  assert.equal(open(), 1);
  a.stream.loggedOut();
  c.stream.leave();
  await settled();
  assert.equal(last().url, "/api/v1/stream?sections=now,totals", "nobody shows servers any more");
  assert.deepEqual([a.loggedOut, b.loggedOut], [0, 1]);
});

await browse("the leader, too, is told what another page shows already", async (_, page) => {
  const a = await page("now");
  const b = await page("now", "incidents");
  last().send("snapshot", { clock, trouble: null, now: {}, incidents: [] });
  await settled();
  const [made, told] = [FakeSource.made.length, b.got.length];
  for (let i = 0; i < 2; i++) {
    a.stream.follow(["now", "incidents"]);
    assert.equal(a.got.at(-1), "snapshot clock,incidents,trouble");
    a.stream.follow(["now"]);
  }
  await settled();
  assert.deepEqual([FakeSource.made.length, b.got.length], [made, told], "the stream stays as it is, and so does the other page");
  const before = a.got.length;
  a.stream.follow(["now", "totals"]);
  assert.deepEqual([last().url, a.got.length], ["/api/v1/stream?sections=incidents,now,totals", before], "what nobody shows yet comes with the stream");
});

await browse("what is shown is as old as what was heard last", async (_, page, pass) => {
  const a = await page("now");
  const b = await page("now");
  last().send("snapshot", { clock, trouble: null, now: {} });
  await settled();
  for (let i = 0; i < 8; i++) {
    pass(5000);
    await settled();
  }
  last().onerror!();
  await settled();
  assert.deepEqual([a.status, a.since, b.status, b.since], ["lost", Date.parse(clock.now), "lost", Date.parse(clock.now)]);
});

await browse("when the leader leaves, the next goes on with what the others show", async (_, page) => {
  const a = await page("now");
  const b = await page("totals");
  const c = await page("servers");
  last().send("snapshot", { clock, trouble: null, now: {}, servers: {}, totals: {} });
  a.stream.leave();
  await settled();
  assert.equal(last().url, "/api/v1/stream?sections=servers,totals");
  assert.equal(open(), 1);
  assert.deepEqual([b.status, c.status], ["live", "live"]);
  last().onerror!();
  await settled();
  assert.deepEqual([b.status, c.status], ["lost", "lost"], "all say that the connection is lost");
  c.stream.retry();
  await settled();
  last().send("snapshot", { clock, trouble: null, servers: {}, totals: {} });
  await settled();
  assert.deepEqual([b.status, c.status, c.got.at(-1)], ["live", "live", "snapshot clock,servers,trouble"]);
  a.stream.join();
  assert.equal(a.status, "connecting", "what it shows is from before");
  await settled();
  assert.equal(a.status, "live");
  assert.equal(last().url, "/api/v1/stream?sections=now,servers,totals", "it is back");
  assert.equal(open(), 1);
});

await browse("a leader that does not answer is replaced, and follows when it wakes up", async (browser, page, pass) => {
  const a = await page("now");
  const b = await page("now");
  const c = await page("totals");
  a.asleep = true;
  c.seen = false;
  const step = async () => {
    pass(5000);
    await settled();
  };
  for (let i = 0; i < 2; i++) await step();
  assert.equal(FakeSource.made.filter((s) => !s.closed).length, 1, "it is given time");
  for (let i = 0; i < 2; i++) await step();
  assert.equal(last().url, "/api/v1/stream?sections=now,totals");
  last().send("snapshot", { clock, trouble: null, now: {}, totals: {} });
  await settled();
  assert.deepEqual([b.got.at(-1), c.got.at(-1)], ["snapshot clock,now,trouble", "snapshot clock,totals,trouble"]);
  const told = [b.got.length, c.got.length];
  FakeSource.made.find((s) => !s.closed)?.send("now", {}); // what a says now is of no account
  await settled();
  a.wake();
  await settled();
  assert.equal(open(), 1, "it gives its own stream up");
  assert.equal(a.status, "live");
  last().send("now", {});
  await settled();
  assert.ok(a.got.at(-1) === "now " && b.got.length === told[0]! + 1 && c.got.length === told[1], "and follows");
  assert.equal(browser.queue.length, 2);
});

await browse("pages that are gone without a word are forgotten, and overdue tries are made up for", async (browser, page, pass) => {
  await page("now");
  const b = await page("totals");
  const c = await page("now");
  c.seen = false;
  assert.equal(last().url, "/api/v1/stream?sections=now,totals");
  browser.channels.delete([...browser.channels][1]!); // b crashed
  b.seen = false;
  last().send("snapshot", { clock, trouble: null, now: {}, totals: {} });
  for (let i = 0; i < 6; i++) {
    last().send("clock", clock);
    await settled();
  }
  assert.equal(last().url, "/api/v1/stream?sections=now");
  const made = FakeSource.made.length;
  last().onerror!();
  await settled();
  assert.equal(c.status, "lost");
  pass(60_000);
  await settled();
  assert.ok(FakeSource.made.length > made);
});

test("without locks each page has a stream of its own", () => {
  FakeSource.made = [];
  Object.assign(globalThis, { EventSource: FakeSource });
  const seen: string[] = [];
  const stream = new SharedStream({ onEvent: (name) => seen.push(name), onStatus: ({ kind }) => seen.push(kind), onLoggedOut: () => {} }, undefined);
  stream.follow(["now"]);
  stream.join();
  last().send("snapshot", { clock, trouble, now: {} });
  assert.deepEqual(seen, ["live", "snapshot"]);
  stream.leave();
  assert.equal(open(), 0);
  stream.join();
  assert.equal(open(), 1, "it is back");
  stream.leave();
});
