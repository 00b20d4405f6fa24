import assert from "node:assert/strict";
import { test } from "node:test";
import { newAgent } from "../src/agent.ts";
import type { Options, Status } from "../src/heliograph.d.ts";
import { own } from "../src/own.ts";

// What a script of the page, or a careless library, may put on every object.
const polluted: Record<string, unknown> = {
  consent: "diagnostics", version: "6.6.6", assets: "https://evil.example/", successFraction: 1,
  ignore: () => true, onstatus: () => { throw new Error("the prototype's onstatus was called"); },
  status: 666, method: "EVIL", elapsed: 1e9,
};

/**
 * onPage runs f where there is a page, as far as the agent asks for one, and where the prototype of
 * all objects is polluted. The page stays: the agent has timers.
 */
function onPage(f: (window: { fetch: unknown }) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const target = { addEventListener() {}, removeEventListener() {} };
    const window = { ...target, fetch: () => Promise.resolve() };
    const page: Record<string, unknown> = {
      window, document: { ...target, baseURI: "https://shop.example/", readyState: "loading" }, navigator: {}, RELEASE: "test", ...target,
      Worker: class { postMessage() {} terminate() {} },
    };
    for (const [name, value] of Object.entries(page)) Object.defineProperty(globalThis, name, { value, configurable: true });
    const prototype = Object.prototype as Record<string, unknown>;
    const names = Object.keys(polluted);
    for (const name of names) Object.defineProperty(prototype, name, { value: polluted[name], configurable: true, writable: true });
    try {
      await f(window);
    } finally {
      for (const name of names) delete prototype[name];
    }
  };
}

test("own has nothing of the prototype", onPage(() => {
  const copy = own({ app: "shop" } as Options);
  assert.equal(copy.app, "shop");
  assert.equal(copy.consent, undefined);
  assert.equal("toString" in copy, false);
}));

test("a consent on the prototype is none", onPage((window) => {
  const original = window.fetch;
  const agent = newAgent({ app: "shop", policy: "policy" } as Options, "https://shop.example/");
  assert.equal(window.fetch, original, "fetch is hooked: something is recorded");
  agent.stop();
}));

test("a consent that the application gives counts", onPage((window) => {
  const original = window.fetch;
  const seen: Status[] = [];
  const agent = newAgent({ app: "shop", policy: "policy", consent: "counts", onstatus: (s) => void seen.push(s) }, "https://shop.example/");
  assert.ok(window.fetch !== original, "fetch is not hooked: nothing is recorded");
  assert.equal(seen[0]?.state, "waiting");
  agent.stop();
}));

test("an observation has what the application says of it only", onPage(async () => {
  const asked: string[] = [];
  const agent = newAgent({ app: "shop", policy: "policy", consent: "counts", ignore: (url: string) => (asked.push(url), false), onstatus() {} }, "https://shop.example/");
  agent.observe({ url: "https://shop.example/pay", outcome: "tcp.reset" });
  assert.deepEqual(asked, ["https://shop.example/pay"]);
  assert.equal((await agent.stats()).observed, 1, "it was taken for one of long before the consent");
  agent.stop();
}));
