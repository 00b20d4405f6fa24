// Joins what is known of each network: its history by step of time, and its totals.
import type { Network, Reachability, Recent, Total } from "../../api.gen.ts";
import { network, share } from "../../format.ts";

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
 * The networks in the order in which they were sent, failing ones first; then those without
 * a history.
 */
export function rowsOf(grid: Reachability, totals: Total[]): NetworkRow[] {
  const sums = new Map(totals.map((t) => [t.asn ?? 0, t]));
  const rows = grid.origins.map((o) => rowOf(o, o, o.recent, sums.get(o.asn)));
  const listed = new Set(grid.origins.map((o) => o.asn));
  for (const t of totals) {
    const n = { asn: t.asn ?? 0, ...(t.as_name ? { as_name: t.as_name } : {}) };
    if (!listed.has(n.asn)) rows.push(rowOf(n, { ok: [], failed: [] }, { ok: 0, failed: 0, failing: false }, t));
  }
  return rows;
}

function rowOf(n: Network, history: NetworkRow["history"], recent: Recent, sums: Total | undefined): NetworkRow {
  return {
    key: `as${n.asn}`,
    asn: n.asn,
    name: network(n.asn, n.as_name),
    history,
    ok: sums?.ok ?? 0,
    failed: sums?.failed ?? 0,
    clients: sums?.clients ?? 0,
    latest: latest(recent),
    failing: recent.failing,
  };
}

/** The share of the latest requests that failed. */
export function latest(recent: Recent): string {
  return share(recent.failed, recent.ok + recent.failed);
}
