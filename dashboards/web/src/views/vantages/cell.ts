// What a cell of the matrix of vantages and servers says.
import type { Finding, Probed } from "../../api.gen.ts";
import { elapsed, network, shortened, span } from "../../format.ts";
import { outcomeWords } from "../../outcomes.ts";

/** Three states, three kinds of doubt, and a vantage that does not probe the server. */
export type CellState = "up" | "down" | "inconclusive" | "maintenance" | "expired" | "none";

export const signs: Record<CellState, string> = { up: "", down: "✕", inconclusive: "?", maintenance: "M", expired: "…", none: "" };

export const words: Record<CellState, string> = {
  up: "up", down: "down", inconclusive: "in doubt", maintenance: "in maintenance", expired: "not heard of lately", none: "not probed from there",
};

export function stateOf(found: Finding | undefined): CellState {
  if (found === undefined) return "none";
  if (found.expired) return "expired";
  return found.judgement in words ? (found.judgement as CellState) : "inconclusive";
}

export function findingOf(server: Probed, vantage: string): Finding | undefined {
  return server.vantages.find((found) => found.vantage === vantage);
}

/** "web-7 from v2 (Net 5): down for 3 min, tcp.refused connection refused in connect; dns 1.2 ms, connect 3 ms". */
export function told(server: Probed, vantage: string, now: number): string {
  const found = findingOf(server, vantage);
  const state = stateOf(found);
  const what = `${shortened(server.name)} from ${shortened(vantage)}`;
  if (found === undefined) return `${what}: ${words[state]}`;
  const since = found.since === undefined ? "" : ` for ${span(now - Date.parse(found.since))}`;
  const where = found.phase !== undefined && found.outcome !== "ok" ? ` in ${found.phase}` : "";
  const how = found.outcome === "ok" ? "" : `, ${found.outcome} ${outcomeWords(found.outcome)}${where}`;
  const steps = (found.steps ?? []).map((step) => `${step.name} ${elapsed(step.ms)}`).join(", ");
  const place = found.asn === 0 && !found.as_name ? "" : ` (${network(found.asn, found.as_name)})`;
  return `${what}${place}: ${words[state]}${since}${how}${steps === "" ? "" : `; ${steps}`}`;
}
