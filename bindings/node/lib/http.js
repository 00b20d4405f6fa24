// node:http and node:https.
"use strict";

const { errorMonitor } = require("node:events");
const { outcomeOf } = require("./outcome.js");

/**
 * Listeners of node:http's channels, by name. Which channels there are depends on the version of
 * Node; start and finish are in all.
 */
function listeners(begin) {
  const open = new WeakMap();
  const opened = (request) => {
    if (!open.has(request)) open.set(request, start(request, begin));
    return open.get(request);
  };
  return {
    "http.client.request.created": ({ request }) => opened(request),
    "http.client.request.start": ({ request }) => opened(request),
    "http.client.request.error": ({ request, error }) => failed(opened(request), request, error),
    // of the head, whatever the name says
    "http.client.response.finish": ({ request, response }) => answered(opened(request), request, response),
  };
}

/**
 * Returns the exchange of a request; null if it is not to be counted: it is to a proxy or to a
 * local socket.
 */
function start(request, begin) {
  if (request.method === "CONNECT" || request.socketPath) return null;
  const path = String(request.path);
  const x = begin({
    url: /^https?:\/\//i.test(path) ? path : `${request.protocol}//${request.getHeader("host") ?? request.host}${path}`,
    method: request.method, traceparent: request.getHeader("traceparent"),
  });
  request.on(errorMonitor, safely((error) => failed(x, request, error)));
  request.once("timeout", () => { x.late = true; });
  request.once("close", safely(() => {
    // a response that no channel tells of has changed the protocol
    if (request.res && x.status === 0) answered(x, request, request.res, true);
    else if (x.status === 0) x.end("abandoned");
  }));
  return x;
}

/** A fault of ours is never the program's. */
function safely(listen) {
  return (...args) => {
    try {
      listen(...args);
    } catch {
      // not counted
    }
  };
}

function answered(x, request, response, upgraded = false) {
  if (!x || x.done) return;
  x.on(response.socket);
  x.head(response.statusCode, /chunked/i.test(response.headers["transfer-encoding"] ?? ""));
  if (upgraded) return x.end("ok");
  const socket = response.socket;
  response.once("close", safely(() => {
    if (response.complete) return x.end("ok");
    if (socket?.errored) return failed(x, request, socket.errored);
    // a body that the program does not want to the end is no failure
    x.end(socket?.readableEnded ? outcomeOf({ code: "ECONNRESET" }, x) : x.late ? "tcp.timed_out" : "ok");
  }));
}

function failed(x, request, error) {
  if (!x || x.done) return;
  const socket = request.socket;
  if (socket?.remoteAddress) x.on(socket);
  const hungUp = error?.code === "ECONNRESET" && error.syscall === undefined;
  if (x.late && (hungUp ? !socket?.readableEnded : error?.syscall === undefined)) return x.end("tcp.timed_out");
  if (hungUp && !socket?.readableEnded) return x.end("abandoned");
  x.end(outcomeOf(error, { status: x.status, chunked: x.chunked, bytes: socket?.bytesRead ?? 0 }), error);
}

module.exports = { listeners };
