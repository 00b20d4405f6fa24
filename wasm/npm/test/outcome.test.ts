import assert from "node:assert/strict";
import { test } from "node:test";
import { ofError, ofResource, ofStatus, split } from "../src/outcome.ts";

/** online makes navigator.onLine what a test wants. */
function online(value: boolean, run: () => void): void {
  Object.defineProperty(globalThis, "navigator", { value: { onLine: value }, configurable: true });
  run();
}

function aborted(reason?: unknown): AbortSignal {
  const c = new AbortController();
  c.abort(reason);
  return c.signal;
}

test("only what goes over the network has a target, without user, query and fragment", () => {
  const page = "https://shop.example/cart/index.html?x=1";
  const cases: [string, string | undefined, [string, string, string] | undefined][] = [
    ["/api/items?token=secret#top", page, ["https", "shop.example", "https://shop.example/api/items"]],
    ["items", page, ["https", "shop.example", "https://shop.example/cart/items"]],
    ["//cdn.example:8443/x", page, ["https", "cdn.example:8443", "https://cdn.example:8443/x"]],
    ["https://ann:pass@shop.example:443/x", page, ["https", "shop.example", "https://shop.example/x"]],
    ["wss://live.example/feed", undefined, ["wss", "live.example", "wss://live.example/feed"]],
    ["http://[::1]:80/", undefined, ["http", "[::1]", "http://[::1]/"]],
    ["data:text/plain,hi", page, undefined],
    ["blob:https://shop.example/1-2-3", page, undefined],
    ["about:blank", page, undefined],
    ["http://", page, undefined],
    ["", undefined, undefined],
  ];
  for (const [url, base, want] of cases) {
    const got = split(url, base);
    assert.deepEqual(got && [got.scheme, got.host, got.url], want, url);
  }
});

test("a status decides, and an unknown one is no failure", () => {
  const cases: [number, string][] = [[0, "ok"], [200, "ok"], [304, "ok"], [399, "ok"], [400, "http.error"], [503, "http.error"]];
  for (const [status, want] of cases) assert.equal(ofStatus(status), want);
});

test("a rejection is told apart as far as script can", () => {
  const dom = (name: string) => new DOMException("x", name);
  const cases: [string, unknown, AbortSignal | null | undefined, string][] = [
    ["aborted", dom("AbortError"), aborted(), "abandoned"],
    ["aborted with a reason of the page's", new Error("enough"), aborted(new Error("enough")), "abandoned"],
    ["aborted with no error at all", "enough", aborted("enough"), "abandoned"],
    ["AbortSignal.timeout", dom("TimeoutError"), aborted(dom("TimeoutError")), "network.timed_out"],
    ["a library's abort", dom("AbortError"), undefined, "abandoned"],
    ["the network", new TypeError("Failed to fetch"), undefined, "network.failed"],
    ["the network, beside a signal", new TypeError("Failed to fetch"), new AbortController().signal, "network.failed"],
    ["nothing", undefined, null, "network.failed"],
  ];
  for (const [name, error, signal, want] of cases) online(true, () => assert.equal(ofError(error, signal), want, name));
  online(false, () => {
    assert.equal(ofError(new TypeError("Failed to fetch")), "network.offline");
    assert.equal(ofError(dom("AbortError"), aborted()), "abandoned", "who gives up offline has given up");
  });
});

test("an element's failure has a name only where the browser tells a status", () => {
  const cases: [number, boolean, string][] = [
    [404, true, "http.error"],
    [503, false, "http.error"],
    [0, true, "unknown"],
    [200, true, "unknown"], // it came, and was no image
    [0, false, "network.offline"],
  ];
  for (const [status, isOnline, want] of cases) online(isOnline, () => assert.equal(ofResource(status), want, `${status}`));
});
