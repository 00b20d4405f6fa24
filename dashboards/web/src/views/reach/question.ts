// What the reachability view shows, and how it is written into the page's address.
import type { Origin, Reachability } from "../../api.gen.ts";
import { network } from "../../format.ts";
import { rangeOf, rangeParams, secondsSpan, spanMS, type Range } from "../../range.ts";

export type Shown = "networks" | "countries" | "map";

export interface Question {
  shown: Shown;
  target: string; // "" for any
  range: Range;
}

const views: readonly Shown[] = ["networks", "countries", "map"];
const columns = 60;
const plainMS = 60_000;

export function questionOf(query: string): Question {
  const p = new URLSearchParams(query);
  const shown = views.find((v) => v === p.get("show")) ?? "networks";
  return { shown, target: p.get("target") ?? "", range: rangeOf(query) };
}

/** The address of what is shown. */
export function addressOf({ shown, target, range }: Question): string {
  return `#/reach?${new URLSearchParams({ show: shown, ...rangeParams(range), ...(target === "" ? {} : { target }) })}`;
}

/** The width of a column, so that there are at most 60; undefined for the detector's own. */
export function stepMS(range: Range): number | undefined {
  const step = Math.ceil(spanMS(range.since) / columns / plainMS) * plainMS;
  return step > plainMS ? step : undefined;
}

/** How the API is asked. */
export function queryFor({ shown, target, range }: Question, limit: number): string {
  const p = new URLSearchParams({ ...rangeParams(range), by: shown === "networks" ? "asn" : "country", order: "excess", limit: `${limit}` });
  const step = stepMS(range);
  if (step !== undefined) p.set("step", secondsSpan(step));
  if (target !== "") p.set("target", target);
  return p.toString();
}

const regions = new Intl.DisplayNames("en", { type: "region", fallback: "code" });

/** What an origin is called. */
export function nameOf(origin: Origin): string {
  if (origin.country === undefined) return network(origin.asn, origin.as_name);
  return countryName(origin.country);
}

export function countryName(code: string): string {
  if (code === "ZZ") return "Unknown country";
  try {
    return regions.of(code) ?? code;
  } catch {
    return code; // what is no country code
  }
}

/** The address of the requests of an origin in some columns, in Explore. */
export function reportsOf(grid: Reachability, origin: Origin, target: string, first: number, last: number): string {
  const stepOf = grid.step_seconds * 1000;
  const until = Date.parse(grid.start) + (last + 1) * stepOf;
  const from = origin.country === undefined ? { asn: `${origin.asn}` } : { country: origin.country };
  const range = { since: secondsSpan((last + 1 - first) * stepOf), until: until > Date.now() ? undefined : until };
  return `#/explore?${new URLSearchParams({ ...rangeParams(range), by: "type,server", ...from, ...(target === "" ? {} : { target }) })}`;
}
