// JavaScript errors as frames. Stacks are text, of two kinds: "    at f (url:1:2)" in Chromium,
// "f@url:1:2" in Firefox and Safari.

import type { Frame } from "./messages.ts";

const maxFrames = 32;
const maxName = 256;

/**
 * parse returns the frames in a stack, the innermost first. In Chromium the message stands before
 * them, and may look like frames.
 */
export function parse(stack: string, message = ""): Frame[] {
  const at = message === "" ? -1 : stack.indexOf(message);
  if (at >= 0 && stack.lastIndexOf("\n", at) < 0) stack = stack.slice(at + message.length);
  const frames: Frame[] = [];
  for (const line of stack.slice(0, 16384).split("\n")) {
    const frame = parseLine(line.trim());
    if (frame && frames.push(frame) === maxFrames) break;
  }
  return frames;
}

function parseLine(line: string): Frame | undefined {
  if (line.startsWith("at ")) {
    const [func, place] = line.endsWith(")") ? cutAt(line.slice(3, -1), " (") : ["", line.slice(3)];
    // Of evaluated code the place within it comes last: "eval at f (url:1:2), <anonymous>:3:4".
    return frame(func.replace(/^async /, ""), place.slice(place.lastIndexOf(", ") + 1).replace(/^async /, ""));
  }
  if (!line.includes("@")) return undefined;
  const [func, place] = cutAt(line, "@");
  return frame(func.replace(/^(async|promise.*)\*/, ""), place.replace(/ line (\d+) > .*/, ":$1"));
}

function frame(func: string, place: string): Frame {
  const m = /^(.*?)(?::(\d{1,9}))?(?::\d+)?$/.exec(place.trim());
  return [cut(func), baseName(m?.[1] ?? ""), Number(m?.[2] ?? 0)];
}

/**
 * baseName is the last part of a URL's path: what comes before it, and a query, say more of the
 * user than of the error.
 */
export function baseName(url: string): string {
  const path = url.replace(/[?#].*$/, "");
  return cut(path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1));
}

function cut(s: string): string {
  return s.slice(0, maxName);
}

function cutAt(s: string, separator: string): [string, string] {
  const i = s.indexOf(separator);
  return i < 0 ? ["", s] : [s.slice(0, i), s.slice(i + separator.length)];
}
