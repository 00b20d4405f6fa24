import assert from "node:assert/strict";
import { test } from "node:test";
import type { Origin, Reachability } from "../src/api.gen.ts";
import { rowsOf } from "../src/views/overview/rows.ts";
import { strip } from "../src/strip.ts";

function grid(...origins: Origin[]): Reachability {
  return {
    start: "2026-11-22T12:00:00Z", step_seconds: 60, steps: 4, all: { ok: [], failed: [] }, origins, origin_count: origins.length,
    recent: { ok: 0, failed: 0, failing: false },
  };
}

test("networks come as they were sent, and then those without a history", () => {
  const rows = rowsOf(
    grid(
      { asn: 2, as_name: "hit", ok: [10, 10, 1, 0], failed: [0, 0, 9, 0], recent: { ok: 21, failed: 9, failing: true }, normal: 0, excess: 9 },
      { asn: 1, as_name: "busy", ok: [900, 900, 900, 0], failed: [0, 0, 9, 0], recent: { ok: 2700, failed: 9, failing: false }, normal: 0, excess: 9 },
    ),
    [{ asn: 1, ok: 2700, failed: 9, clients: 50 }, { asn: 2, ok: 21, failed: 9, clients: 4 }, { asn: 4, ok: 5, failed: 0, clients: 1 }],
  );
  assert.deepEqual(rows.map((r) => r.name), ["hit", "busy", "AS4"]);
  assert.deepEqual(rows.map((r) => r.failing), [true, false, false]);
  assert.deepEqual(rows.map((r) => r.latest), ["30 %", "0.3 %", "–"]);
  assert.deepEqual(rows.map((r) => r.clients), [4, 50, 1]);
});

test("a strip draws what was heard, and failures by height", () => {
  const { heard, failed } = strip([10, 0, 99, 0], [0, 0, 1, 5]);
  assert.equal(heard.match(/M/g)?.length, 3);
  assert.equal(failed, "M3 0h0.84V1h-0.84z");
  assert.ok(strip([3], [1]).failed.startsWith("M0 0.75h"));
});
