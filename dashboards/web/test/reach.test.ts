import assert from "node:assert/strict";
import { test } from "node:test";
import type { Origin, Reachability } from "../src/api.gen.ts";
import { inputTime, rangeOf, rangeParams, spanMS, timeOfInput } from "../src/range.ts";
import { moved } from "../src/ui/cursor.ts";
import { sums, told } from "../src/views/reach/grid.tsx";
import { levelOf } from "../src/views/reach/level.ts";
import { addressOf, countryName, queryFor, questionOf, reportsOf, stepMS } from "../src/views/reach/question.ts";
import { vantagesOf } from "../src/views/vantages/vantages.ts";

const origin: Origin = {
  asn: 64501, as_name: "Ridge Mobile", ok: [99, 25, 0], failed: [1, 35, 0], recent: { ok: 25, failed: 35, failing: true }, normal: 0.01, excess: 34.4,
};
const grid: Reachability = {
  start: "2026-11-22T12:00:00Z", step_seconds: 60, steps: 3, all: { ok: [], failed: [] }, origins: [origin], origin_count: 1, recent: origin.recent,
};

test("levels go by what fails beyond what is normal", () => {
  const cases: [number, number, number, number][] = [
    [0, 0, 0, -1], [100, 0, 0, 0], [99, 1, 0.01, 0], [97, 3, 0, 1], [90, 10, 0, 2], [90, 10, 0.09, 0], [60, 40, 0.05, 3], [0, 10, 0, 4],
    [0, 2, 0, 1], [40, 4, 0.05, 1], // too few to say more
  ];
  for (const [ok, failed, normal, want] of cases) assert.equal(levelOf(ok, failed, normal), want, `${failed} of ${ok + failed} beyond ${normal}`);
});

test("the address says what is shown, and for which time", () => {
  const q = { shown: "map" as const, target: "https://a.test", range: { since: "6h", until: Date.parse("2026-11-22T12:00:00Z") } };
  assert.deepEqual(questionOf(addressOf(q).split("?")[1]!), q);
  assert.equal(queryFor(q, 50), "since=6h&until=2026-11-22T12%3A00%3A00.000Z&by=country&order=excess&limit=50&step=360s&target=https%3A%2F%2Fa.test");
  assert.equal(stepMS({ since: "1h", until: undefined }), undefined);
  assert.deepEqual(questionOf("show=no&since=soon&until=then"), { shown: "networks", target: "", range: { since: "1h", until: undefined } });
});

test("a cell leads to its requests", () => {
  const address = new URLSearchParams(reportsOf(grid, origin, "https://a.test", 1, 1).split("?")[1]);
  assert.deepEqual(Object.fromEntries(address), {
    since: "60s", until: "2026-11-22T12:02:00.000Z", by: "type,server", asn: "64501", target: "https://a.test",
  });
  assert.ok(reportsOf(grid, { ...origin, country: "DE" }, "", 0, 2).includes("country=DE"));
  assert.ok(told(grid, origin, 1).endsWith("12:01:00: 35 of 60 failed (58 %), normally 1.0 %"));
  assert.deepEqual(sums(origin), { ok: 124, failed: 36 });
});

test("keys move within the grid", () => {
  const end = { row: 0, column: 59 };
  assert.deepEqual(moved("ArrowUp", undefined, 5, 60, end), { row: 0, column: 59 });
  assert.deepEqual(moved("ArrowDown", { row: 4, column: 3 }, 5, 60, end), { row: 4, column: 3 });
  assert.deepEqual(moved("Home", { row: 1, column: 3 }, 5, 60, end), { row: 1, column: 0 });
  assert.equal(moved("x", { row: 1, column: 3 }, 5, 60, end), undefined);
  assert.equal(moved("ArrowDown", { row: 0, column: 3 }, 1, 60, end), undefined);
});

test("ranges", () => {
  assert.equal(spanMS("90m"), 5_400_000);
  for (const bad of ["", "1w", "h", "-1h", "1.5h"]) assert.equal(spanMS(bad), 0);
  assert.deepEqual(rangeParams(rangeOf("since=7d")), { since: "7d" });
  const at = Date.parse("2026-11-22T12:34:00Z");
  assert.equal(inputTime(at, true), "2026-11-22 12:34");
  assert.equal(timeOfInput(inputTime(at, false), false), at);
  for (const bad of ["", "now", "2026-13-40 12:00"]) assert.equal(timeOfInput(bad, true), undefined);
});

test("countries have names, and what is none keeps its letters", () => {
  assert.deepEqual(["DE", "ZZ", "?!"].map(countryName), ["Germany", "Unknown country", "?!"]);
});

test("vantages are counted by what they find", () => {
  const finding = (vantage: string, judgement: string, expired = false) => ({ vantage, asn: 0, at: "", judgement, outcome: "ok", country: "DE", expired });
  const server = (...vantages: ReturnType<typeof finding>[]) => ({ name: "a", kind: "tcp", reach: "up" as const, vantages });
  assert.deepEqual(vantagesOf([server(finding("x", "up"), finding("y", "down")), server(finding("x", "inconclusive"), finding("y", "down", true))]), [
    { name: "x", country: "DE", up: 1, down: 0, unsure: 1, nth: 0 },
    { name: "y", country: "DE", up: 0, down: 1, unsure: 1, nth: 1 },
  ]);
});
