import assert from "node:assert/strict";
import { test } from "node:test";
import type { Incident } from "../src/api.gen.ts";
import { grouped } from "../src/views/incidents/group.ts";

const scope = { networks: [], countries: [], servers: [], versions: [], systems: [], protocols: [], statuses: [], collectors: [] };

function incident(id: number, target: string, more: Partial<Incident> = {}): Incident {
  return {
    id, target, title: "", app: "shop", outcome: "tcp.reset", also: [], verdict: "network_path", page: true, late: false, scope, others: [], share: 1,
    since: "2026-11-22T12:00:00Z", reopened: 0, severity: 0, failed: 0, requests: 0, expected: 0, clients: 0, buckets: 0, networks: 0, evidence: [], signals: [],
    ...more,
  };
}

test("the same fault again is one group, in the order of the newest", () => {
  const groups = grouped([
    incident(4, "a"), incident(3, "b"), incident(2, "a"), incident(1, "a", { scope: { ...scope, countries: ["DE"] } }), incident(0, "a", { verdict: "dns" }),
  ]);
  assert.deepEqual(groups.map((g) => g.map((i) => i.id)), [[4, 2], [3], [1], [0]]);
});
