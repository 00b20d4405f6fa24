import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, count, elapsed, listed, network, plural, share, shortened, span } from "../src/format.ts";

test("count is exact below a million and never shows something as nothing", () => {
  const cases: [number, string][] = [
    [0, "0"], [0.2, "<1"], [1, "1"], [12_345.4, "12,345"], [999_999, "999,999"], [1_000_000, "1M"], [1_240_000, "1.2M"],
  ];
  for (const [n, want] of cases) assert.equal(count(n), want);
});

test("share says 0 and 100 only when it is so", () => {
  const cases: [number, number, string][] = [
    [0, 0, "–"], [0, 10, "0 %"], [1, 100_000, "<0.1 %"], [3.4, 100, "3.4 %"], [57, 100, "57 %"], [99_999, 100_000, "99.9 %"],
    [100, 100, "100 %"],
  ];
  for (const [part, whole, want] of cases) assert.equal(share(part, whole), want);
});

test("span has at most two units", () => {
  const s = 1000;
  const cases: [number, string][] = [
    [-5, "0 s"], [14 * s, "14 s"], [60 * s, "1 min"], [185 * s, "3 min 5 s"], [1205 * s, "20 min"], [7500 * s, "2 h 5 min"],
    [86_400 * s * 3 + 4 * 3600 * s, "3 d 4 h"],
  ];
  for (const [ms, want] of cases) assert.equal(span(ms), want);
});

test("clock names the day unless it is today", () => {
  const now = Date.parse("2026-11-22T12:00:00Z");
  assert.equal(clock(Date.parse("2026-11-22T03:04:05Z"), now), "03:04:05");
  assert.equal(clock(Date.parse("2026-11-20T03:04:05Z"), now), "20 Nov, 03:04:05");
});

test("names fall back", () => {
  assert.equal(network(64501, "Northnet"), "Northnet");
  assert.equal(network(64501, undefined), "AS64501");
  assert.equal(network(0, ""), "Unknown network");
  assert.equal(plural(1, "server"), "1 server");
  assert.equal(plural(2, "server"), "2 servers");
  assert.equal(elapsed(87.4), "87 ms");
  assert.equal(elapsed(2400), "2.4 s");
});

test("long texts of others lose the middle of their words, and nothing acts on the page", () => {
  const w = "W".repeat(4096);
  const cases: [string, string][] = [
    ["Server web-7 is down", "Server web-7 is down"],
    [`Server ${w} is down`, `Server ${"W".repeat(40)}…${"W".repeat(16)} is down`],
    ["\u202eevil\u2066 \u05d0\u05d1", "\ufffdevil\ufffd \u05d0\u05d1"],
    ["line\nline", "line\nline"],
    [`${"x".repeat(39)}\u{1f525}${w}`, `${"x".repeat(39)}…${"W".repeat(16)}`], // no half of a pair
    [`https://${"a".repeat(50)}/${"b".repeat(50)}`, `https://${"a".repeat(50)}/${"b".repeat(50)}`],
  ];
  for (const [text, want] of cases) assert.equal(shortened(text), want);
  const many = shortened("word ".repeat(1000));
  assert.ok(many.length <= 400 && many.startsWith("word word") && many.endsWith("word "), many);
  assert.ok(shortened(`${"/".repeat(3000)}`).length <= 400);
  assert.equal(listed(["a", "b", "c"], 3), "a, b, c");
  assert.equal(listed(["a", "b", "c", w], 3), "a, b and 2 others");
  assert.ok(listed([w, w], 3).length < 130);
});
