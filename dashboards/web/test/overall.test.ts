import assert from "node:assert/strict";
import { test } from "node:test";
import type { Incident, Reachability, ServersSummary, Totals } from "../src/api.ts";
import { lastHeard, overall } from "../src/overall.ts";

const start = Date.parse("2026-11-22T12:00:00Z");
const minute = 60_000;

function totals(ok: number, failed: number): Totals {
  const outcomes = ok + failed > 0 ? [{ type: "ok", ok, failed, clients: 3 }] : [];
  return { window_seconds: 900, outcomes, networks: [], network_count: 2, collectors: [] };
}

function servers(up: number, down: number): ServersSummary {
  return { count: up + down, up, down, unknown: 0, topology: "t", states: "s" };
}

/** Ten columns of a minute, heard in those given. */
function heard(...columns: number[]): Reachability {
  const ok = Array.from({ length: 10 }, (_, i) => (columns.includes(i) ? 5 : 0));
  const all = { ok, failed: ok.map(() => 0) };
  return { start: new Date(start).toISOString(), step_seconds: 60, steps: 10, all, origins: [], origin_count: 0 };
}

function incident(id: number, until?: string): Incident {
  return {
    id, title: `fault ${id}`, app: "shop", target: "https://shop.example", outcome: "tcp.reset", also: [],
    scope: { networks: [], countries: [], servers: [] }, since: "2026-11-22T12:00:00Z", ...(until ? { until } : {}),
    failed: 1, requests: 1, expected: 0, clients: 1, evidence: [],
  };
}

const now = start + 10 * minute;

test("all is reachable only while reports come in", () => {
  const state = overall(totals(100, 1), [incident(1, "2026-11-22T12:05:00Z")], servers(3, 0), heard(8), now);
  assert.equal(state.level, "good");
  assert.equal(state.headline, "All reachable");
  assert.equal(state.basis, "101 requests in 15 min, 1.0 % failed · 2 networks · 3 servers");
});

test("open incidents come first and are counted", () => {
  const state = overall(totals(100, 50), [incident(7), incident(8), incident(1, "2026-11-22T12:05:00Z")], servers(1, 2), heard(9), now);
  assert.equal(state.level, "bad");
  assert.equal(`${state.headline}: ${state.subject}`, "2 incidents open: fault 7");
});

test("a server that is down is never 'all reachable'", () => {
  const state = overall(totals(100, 0), [], servers(9, 1), heard(9), now);
  assert.equal(state.level, "bad");
  assert.equal(state.subject, "1 of 10 servers down");
});

test("silence is not health", () => {
  const stopped = overall(totals(100, 0), [], servers(3, 0), heard(1, 2), now);
  assert.equal(stopped.level, "quiet");
  assert.equal(stopped.headline, "Reports have stopped");
  assert.equal(stopped.subject, "nothing for 7 min");
  const never = overall(totals(0, 0), [], servers(0, 0), heard(), now);
  assert.equal(never.headline, "No reports yet");
});

test("lastHeard is the end of the last column with a request", () => {
  assert.equal(lastHeard(heard()), undefined);
  assert.equal(lastHeard(heard(0, 4)), start + 5 * minute);
});
