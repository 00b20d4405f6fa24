// Errors of the program itself, as the core wants them.
"use strict";

const MAX_FRAMES = 32;
const MAX_MESSAGE = 4096;

/**
 * Returns the message to the core about anything that was thrown. kind is 1 for an error, 2 for one
 * that ends the program.
 */
function describe(thrown, kind) {
  let type = "Error", message = "", frames = [];
  try {
    if (thrown instanceof Error || typeof thrown?.stack === "string") {
      type = String(thrown.name || thrown.constructor?.name || type);
      message = String(thrown.message ?? "");
      frames = parse(String(thrown.stack ?? ""));
    } else {
      type = thrown === null ? "null" : typeof thrown;
      message = typeof thrown === "object" ? "" : String(thrown);
    }
  } catch {
    // an error whose text cannot be made
  }
  return { t: "error", kind, type: type.slice(0, 256), message: message.slice(0, MAX_MESSAGE), at: Date.now(), frames };
}

/** The frames of a stack as V8 writes it, the innermost first: function, base name, line. */
function parse(stack) {
  const frames = [];
  for (const line of stack.split("\n")) {
    const m = /^ {4}at (?:(.*?) \()?(.*?):(\d+):\d+\)?$/.exec(line);
    if (m && frames.length < MAX_FRAMES) frames.push([m[1] ?? "<anonymous>", m[2].replace(/^.*[\\/]/, ""), Number(m[3])]);
  }
  return frames;
}

module.exports = { describe };
