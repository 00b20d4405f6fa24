import assert from "node:assert/strict";
import { test } from "node:test";
import type { Origin, Reachability } from "../src/api.ts";
import { byNeed } from "../src/networks.ts";
import { recent, strip } from "../src/strip.ts";

function grid(...origins: Origin[]): Reachability {
  return { start: "2026-11-22T12:00:00Z", step_seconds: 60, steps: 4, all: { ok: [], failed: [] }, origins, origin_count: origins.length };
}

test("networks that fail now come first, though the last columns are still empty", () => {
  const rows = byNeed(
    grid(
      { asn: 1, as_name: "busy", ok: [900, 900, 900, 0], failed: [0, 0, 9, 0] },
      { asn: 2, as_name: "hit", ok: [10, 10, 1, 0], failed: [0, 0, 9, 0] },
      { asn: 3, as_name: "recovered", ok: [1, 9, 9, 9], failed: [9, 0, 0, 0] },
    ),
    [{ asn: 1, ok: 2700, failed: 9, clients: 50 }, { asn: 2, ok: 21, failed: 9, clients: 4 }, { asn: 4, ok: 5, failed: 0, clients: 1 }],
  );
  assert.deepEqual(rows.map((r) => r.name), ["hit", "busy", "AS4", "recovered"]);
  assert.deepEqual(rows.map((r) => r.failing), [true, false, false, false]);
  assert.equal(rows[0]!.latest, "30 %");
  assert.equal(rows[0]!.clients, 4);
});

test("a strip draws what was heard, and failures by height", () => {
  const { heard, failed } = strip([10, 0, 99, 0], [0, 0, 1, 5]);
  assert.equal(heard.match(/M/g)?.length, 3);
  assert.equal(failed, "M3 0h0.84V1h-0.84z");
  assert.ok(strip([3], [1]).failed.startsWith("M0 0.75h"));
});

test("recent sums the last columns only", () => {
  assert.deepEqual(recent([1, 2, 3], [4, 5, 6], 2), { ok: 5, failed: 11 });
});
