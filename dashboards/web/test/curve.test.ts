import assert from "node:assert/strict";
import { test } from "node:test";
import type { Curve } from "../src/api.gen.ts";
import { ratio, shapeOf } from "../src/curve/shape.ts";
import { trendWords } from "../src/trend.ts";

function curve(ok: number[], failed: number[], more: Partial<Curve> = {}): Curve {
  return { ok, failed, start: "2026-11-22T12:00:00Z", step_seconds: 60, target: "", normal: 0, ratio: 0, suppressed: 0, ...more };
}

test("the scale fits what fails, and few requests do not stretch it", () => {
  for (const [failed, top] of [[0, 0.02], [3, 0.05], [9, 0.1], [40, 0.5], [51, 1], [100, 1]] as const) {
    assert.equal(shapeOf(curve([100 - failed, 1], [failed, 1])).top, top);
  }
  assert.equal(shapeOf(curve([1], [0], { normal: 0.3 })).top, 0.5);
});

test("columns before the onset are usual, and those without requests are nothing", () => {
  const s = shapeOf(curve([99, 0, 0, 50], [1, 0, 90, 50], { onset: "2026-11-22T12:02:30Z", normal: 0.01 }));
  assert.equal(s.onset, 2.5);
  assert.equal(s.nothing, "M1 0h1v1h-1z");
  assert.equal(s.usual, "M0 0.99h0.84V1h-0.84z");
  assert.equal(s.failed, "M2 0h0.84V1h-0.84zM3 0.5h0.84V1h-0.84z");
  assert.equal(s.normal, 0.01);
  assert.equal(shapeOf(curve([1], [0], { onset: "2026-11-22T11:00:00Z" })).onset, 0);
  assert.equal(ratio(curve([0], [0]), 0), undefined);
});

test("a trend is told with the time since when", () => {
  assert.equal(trendWords("recovering", "12:03:10"), "recovering since 12:03:10");
  assert.equal(trendWords("worse"), "getting worse");
});
