// What the map says in words.
import type { Cluster, DataCentre, Servers as Groups } from "../../api.gen.ts";
import { count, plural } from "../../format.ts";
import type { Cells } from "../../map/states.ts";

export function placeOf(known: Groups, index: number): string[] {
  const holds = (g: { first: number; count: number }) => index >= g.first && index < g.first + g.count;
  const dc = known.data_centres.find(holds);
  const cluster = dc?.clusters.find(holds);
  const row = cluster?.rows.find(holds);
  return [dc?.region, dc?.name, cluster?.name, row?.name].filter((name): name is string => Boolean(name));
}

const groupsNamed = 3;

/** Where the trouble is: the clusters with the largest part down, or that failed since. */
export function summaryOf(known: Groups, cells: Cells): string {
  const mark = cells.notable[0]!;
  const hit = clustersOf(known)
    .map(({ dc, cluster }) => ({ name: label(dc, cluster), hit: cells.tally(mark, cluster.first, cluster.count), of: cluster.count }))
    .filter((c) => c.hit > 0)
    .sort((a, b) => b.hit / b.of - a.hit / a.of || b.hit - a.hit);
  if (hit.length === 0) return mark === "failed" ? "Nothing has failed since." : "Point at a server, or focus the map and use the arrow keys.";
  const named = hit.slice(0, groupsNamed).map((c) => `${c.name} (${count(c.hit)} of ${count(c.of)})`);
  const rest = hit.length - named.length;
  const what = mark === "failed" ? "Failed" : "Down";
  return `${what} in ${plural(hit.length, "cluster")}: ${named.join(", ")}${rest > 0 ? ` and ${plural(rest, "other")}` : ""}`;
}

export function clustersOf(known: Groups): { dc: DataCentre; cluster: Cluster }[] {
  return known.data_centres.flatMap((dc) => dc.clusters.map((cluster) => ({ dc, cluster })));
}

function label(dc: DataCentre, cluster: Cluster): string {
  return [dc.region, dc.name, cluster.name].filter(Boolean).join(" › ") || "unnamed";
}
