import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, count, elapsed, network, plural, share, span } from "../src/format.ts";

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
