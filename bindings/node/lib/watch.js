// Watches the requests of a thread through diagnostics_channel, which changes nothing about them.
"use strict";

const channels = require("node:diagnostics_channel");
const undici = require("./undici.js");
const http = require("./http.js");

/**
 * Calls see for each request of fetch, undici and node:http(s) when it has ended. Returns a
 * function that stops it: requests that are under way then are not seen.
 */
function watch(see) {
  let watching = true;
  const exchange = (request) => new Exchange(request, (seen) => {
    try {
      if (watching) see(seen);
    } catch {
      // of the program's own ignore, perhaps
    }
  });
  const listeners = Object.entries({ ...undici.listeners(exchange), ...http.listeners(exchange) });
  for (const [i, [name, listen]] of listeners.entries()) {
    listeners[i][1] = (message) => {
      try {
        listen(message);
      } catch {
        // a fault of ours is never the program's
      }
    };
    channels.subscribe(name, listeners[i][1]);
  }
  return () => {
    watching = false;
    for (const [name, listener] of listeners) channels.unsubscribe(name, listener);
  };
}

/** One request, which is told once. */
class Exchange {
  #tell;
  #done = false;
  #start = Date.now();
  #clock = performance.now();
  status = 0;
  chunked = false;
  bytes = 0;
  protocol = "";
  server = "";
  scheme;
  host;
  #url;
  #method;
  #traceparent;

  constructor({ url, method, traceparent }, tell) {
    const u = new URL(url);
    this.scheme = u.protocol.slice(0, -1);
    this.host = u.host;
    this.#url = u.origin + u.pathname;
    this.#method = method;
    this.#traceparent = typeof traceparent === "string" ? traceparent : "";
    this.#tell = tell;
  }

  get url() {
    return this.#url;
  }

  get done() {
    return this.#done;
  }

  /** Notes the connection that carries the request. */
  on(socket) {
    if (!socket) return;
    this.protocol = socket.alpnProtocol || "http/1.1";
    if (socket.remoteAddress) this.at(socket.remoteAddress, socket.remotePort);
  }

  /** Notes the server that was tried. */
  at(address, port) {
    this.server = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  }

  /** Notes the head of the response. What failed with it is told at once. */
  head(status, chunked) {
    this.status = status;
    this.chunked = chunked;
    if (status >= 400) this.end("http.error");
  }

  end(outcome, error) {
    if (this.#done) return;
    this.#done = true;
    // a connection that was tried over several addresses has an error for each
    const tried = error?.errors?.at?.(-1) ?? error;
    if (tried?.syscall === "connect" && typeof tried.address === "string" && tried.port) this.at(tried.address, tried.port);
    this.#tell({
      scheme: this.scheme, host: this.host, outcome, protocol: this.protocol, status: this.status, server: this.server, start: this.#start,
      elapsed: performance.now() - this.#clock, method: this.#method, url: this.#url, traceparent: this.#traceparent,
    });
  }
}

module.exports = { watch };
