// fetch and undici.
"use strict";

const { outcomeOf } = require("./outcome.js");

const MAX_REDIRECTS = 20; // that fetch follows (Fetch standard, HTTP-redirect fetch, step 8)
const MAX_HOPS = 64; // that wait for the request that follows them
const HOP_TIME = 1000; // milliseconds in which it comes

/** Listeners of undici's channels, by name. begin returns the exchange of a request. */
function listeners(begin) {
  const open = new WeakMap();
  const hops = new Hops();
  const of = (request) => open.get(request);
  return {
    "undici:request:create": ({ request }) => {
      if (request.method === "CONNECT") return; // to a proxy, on behalf of a request that is seen itself
      const x = begin({ url: String(request.origin).replace(/\/$/, "") + request.path, method: request.method, traceparent: header(request.headers, "traceparent") });
      x.hops = hops.follows(x.url);
      open.set(request, x);
    },
    "undici:client:sendHeaders": ({ request, socket }) => of(request)?.on(socket),
    "undici:request:headers": ({ request, response }) => {
      const x = of(request);
      if (!x) return;
      const location = response.statusCode >= 300 && response.statusCode < 400 ? header(response.headers, "location") : undefined;
      if (location !== undefined && x.hops >= MAX_REDIRECTS) {
        x.status = response.statusCode;
        x.end("http.response.redirect_loop");
      } else {
        if (location !== undefined) hops.expect(location, x);
        x.head(response.statusCode, /chunked/i.test(header(response.headers, "transfer-encoding") ?? ""));
      }
    },
    "undici:request:trailers": ({ request }) => of(request)?.end("ok"),
    "undici:request:error": ({ request, error }) => {
      const x = of(request);
      x?.end(gaveUp(x, error) ? "ok" : outcomeOf(error, { ...x, bytes: error?.socket?.bytesRead ?? 0 }), error);
    },
  };
}

// A body that the program does not want to the end is no failure: fetch cancels it with an error of
// its own, whose text differs from that of AbortController's.
function gaveUp(x, error) {
  return x.status > 0 && error?.name === "AbortError" && error.message === "The operation was aborted.";
}

/**
 * A header of a request or response: text in old versions, else a list of names and values, as
 * buffers or text.
 */
function header(headers, name) {
  if (typeof headers === "string") return new RegExp(`^${name}: *(.*?)\r?$`, "im").exec(headers)?.[1];
  if (!Array.isArray(headers)) return undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (String(headers[i]).toLowerCase() === name) return String(headers[i + 1]);
  }
  return undefined;
}

/** Finds out how many redirects led to a request. */
class Hops {
  #awaited = new Map(); // URL: how many, and when

  expect(location, x) {
    const url = new URL(location, x.url);
    this.#awaited.set(url.origin + url.pathname, { n: x.hops + 1, at: Date.now() });
    if (this.#awaited.size > MAX_HOPS) this.#awaited.delete(this.#awaited.keys().next().value);
  }

  follows(url) {
    const hop = this.#awaited.get(url);
    this.#awaited.delete(url);
    return hop && Date.now() - hop.at < HOP_TIME ? hop.n : 0;
  }
}

module.exports = { listeners };
