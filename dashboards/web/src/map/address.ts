// What of the map is shown, as the page's address says it, so that every view of the map is one.
import { computed } from "@preact/signals";
import { path, query, setQuery } from "../router.ts";
import type { Order } from "./layout.ts";

export interface MapAddress {
  order: Order;
  /** Names of the part that is shown, joined by "/"; "" is all. */
  part: string;
  /** Size of enlarged cells in CSS pixels, with the server that is in the middle. */
  cell?: number | undefined;
  near?: number | undefined;
  /** Unix ms; undefined is the present. */
  at?: number | undefined;
  /** Shows what changed from that time on. */
  compare: boolean;
  /** Part of a name that is looked for. */
  find: string;
}

const mostFind = 100;

/** Reads a query; what it says wrong is as if it were not there. */
export function readAddress(query: string): MapAddress {
  const p = new URLSearchParams(query);
  const number = (name: string) => {
    const n = Number(p.get(name) ?? NaN);
    return Number.isFinite(n) && n >= 0 ? n : undefined;
  };
  const at = Date.parse(p.get("at") ?? "");
  return {
    order: p.get("order") === "hilbert" ? "hilbert" : "rows",
    part: p.get("part") ?? "",
    cell: number("cell"),
    near: number("near"),
    at: Number.isNaN(at) ? undefined : at,
    compare: p.has("compare"),
    find: (p.get("find") ?? "").slice(0, mostFind),
  };
}

export function writeAddress(a: MapAddress): string {
  const p = new URLSearchParams();
  if (a.order !== "rows") p.set("order", a.order);
  if (a.part !== "") p.set("part", a.part);
  if (a.cell !== undefined) p.set("cell", String(Math.round(a.cell * 100) / 100));
  if (a.cell !== undefined && a.near !== undefined) p.set("near", String(a.near));
  if (a.at !== undefined) p.set("at", new Date(a.at).toISOString().replace(".000", ""));
  if (a.at !== undefined && a.compare) p.set("compare", "now");
  if (a.find !== "") p.set("find", a.find);
  return p.toString();
}

/** What is shown; other views' addresses say nothing of the map. */
export const mapAddress = computed(() => readAddress(path.value === "" ? query.value : ""));

/** Shows something else. What people choose gets an entry in the browser's history. */
export function showMap(change: Partial<MapAddress>, chosen = false): void {
  setQuery(writeAddress({ ...mapAddress.peek(), ...change }), chosen);
}
