// Joins what is known of each network: its history by step of time, and its totals.
import type { Network, Reachability, Total } from "./api.ts";
import { network, share } from "./format.ts";
import { recent } from "./strip.ts";

export interface NetworkRow {
  key: string;
  asn?: number;
  name: string;
  history: { ok: number[]; failed: number[] };
  ok: number;
  failed: number;
  clients: number;
  /** The share of the latest requests that failed: "97 %". */
  latest: string;
  /** So many of the latest requests fail that it deserves a look. */
  failing: boolean;
}

/**
 * What makes a network count as failing: this share of the last columns, and at least so
 * many requests.
 */
const failingColumns = 3;
const failingShare = 0.1;
const failingLeast = 3;

/** The networks, failing ones first, the busiest before others. */
export function byNeed(grid: Reachability, totals: Total[]): NetworkRow[] {
  const sums = new Map(totals.map((t) => [t.asn ?? 0, t]));
  const known: (Network & { history: NetworkRow["history"] })[] = grid.origins.map((o) => ({ ...o, history: o }));
  const listed = new Set(grid.origins.map((o) => o.asn));
  for (const t of totals) {
    const asn = t.asn ?? 0;
    if (!listed.has(asn)) known.push({ asn, ...(t.as_name ? { as_name: t.as_name } : {}), history: { ok: [], failed: [] } });
  }
  const rows = known.map((n) => rowOf(n, n.history, sums.get(n.asn)));
  const busy = (r: NetworkRow) => r.ok + r.failed;
  return rows.sort((a, b) => Number(b.failing) - Number(a.failing) || busy(b) - busy(a) || a.name.localeCompare(b.name));
}

function rowOf(n: Network, history: NetworkRow["history"], sums: Total | undefined): NetworkRow {
  const name = network(n.asn, n.as_name);
  return {
    key: `as${n.asn}`,
    asn: n.asn,
    name,
    history,
    ok: sums?.ok ?? 0,
    failed: sums?.failed ?? 0,
    clients: sums?.clients ?? 0,
    ...fares(history),
  };
}

/** How a network fares now. */
export function fares(history: NetworkRow["history"]): { latest: string; failing: boolean } {
  const { ok, failed } = recent(heardOnly(history.ok, history), heardOnly(history.failed, history), failingColumns);
  const failing = failed >= failingLeast && failed >= failingShare * (ok + failed);
  return { latest: share(failed, ok + failed), failing };
}

/**
 * The values of the columns in which anything was heard: reports are late, so the last columns are
 * often still empty.
 */
function heardOnly(values: number[], history: NetworkRow["history"]): number[] {
  return values.filter((_, i) => (history.ok[i] ?? 0) + (history.failed[i] ?? 0) > 0);
}
