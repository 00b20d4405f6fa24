// What callers pass in.
"use strict";

const path = require("node:path");
const { outcomeOf } = require("./outcome.js");

const levels = { __proto__: null, off: 0, counts: 1, diagnostics: 2 };
const EXIT_TIMEOUT = 2000; // milliseconds

/** Returns the options with their defaults, or throws an Error that names all faults. */
function checked(options) {
  const { app, version = "", spool, consent, ignore, exceptions = true, exitTimeout = EXIT_TIMEOUT } = options ?? {};
  const faults = [];
  if (typeof app !== "string" || app === "") faults.push("app: the application's name is required");
  if (typeof version !== "string") faults.push("version: must be a string");
  if (typeof spool !== "string" || spool === "") faults.push("spool: a directory for reports that wait is required");
  if (consent !== undefined && !Object.hasOwn(levels, consent)) faults.push(`consent: ${consent}: must be left out, "off", "counts" or "diagnostics"`);
  if (ignore !== undefined && typeof ignore !== "function") faults.push("ignore: must be a function");
  if (!(exitTimeout >= 0 && exitTimeout <= 60_000)) faults.push("exitTimeout: must be milliseconds from 0 to 60000");
  if (faults.length > 0) throw new Error(faults.join("; "));
  // of its own, because the locks of this agent are not those of the others
  return { app, version, spool: path.join(path.resolve(spool), "node"), ignore, exceptions, exitTimeout };
}

/** Returns an observation of the application's own as the recorder wants it. */
function observation({ url, outcome, error, status = 0, elapsed = 0, method = "GET", protocol = "", server = "", traceparent = "" }) {
  const u = new URL(url);
  return {
    scheme: u.protocol.slice(0, -1), host: u.host, url: u.origin + u.pathname, status, elapsed, method, protocol, server, traceparent,
    outcome: outcome ?? (error !== undefined ? outcomeOf(error, { status }) : status >= 400 ? "http.error" : "ok"), start: Date.now() - elapsed,
  };
}

module.exports = { checked, levels, observation };
