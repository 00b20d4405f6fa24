// The time that views are about. It is a part of their addresses, and the same on all that have
// one.

export interface Range {
  /** How far back: "15m", "1h", "7d". */
  since: string;
  /** From when, Unix ms; undefined is the present. */
  until: number | undefined;
}

/** What the page offers; addresses may have others. */
export const spans = ["15m", "1h", "6h", "24h", "7d", "30d"];

const usual = "1h";
const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads a query; what it does not say, or says wrong, is the last hour. */
export function rangeOf(query: string): Range {
  const p = new URLSearchParams(query);
  const since = p.get("since") ?? "";
  const until = Date.parse(p.get("until") ?? "");
  return { since: spanMS(since) > 0 ? since : usual, until: Number.isNaN(until) ? undefined : until };
}

/** A range as parameters of the page's addresses, and of the API. */
export function rangeParams(range: Range): Record<string, string> {
  const since = { since: range.since };
  return range.until === undefined ? since : { ...since, until: new Date(range.until).toISOString() };
}

/** The length of a span, 0 if it is none. */
export function spanMS(span: string): number {
  const [, n, unit] = /^(\d{1,6})([smhd])$/.exec(span) ?? [];
  return n === undefined || unit === undefined ? 0 : Number(n) * units[unit]!;
}

/** A span in whole seconds as the API takes it. */
export function secondsSpan(ms: number): string {
  return `${Math.max(1, Math.ceil(ms / 1000))}s`;
}

/** A time as it is typed, "2026-11-30 13:45", in the zone of the reader or in UTC. */
export function inputTime(at: number, utc: boolean): string {
  const shift = utc ? 0 : new Date(at).getTimezoneOffset() * 60_000;
  return new Date(at - shift).toISOString().slice(0, 16).replace("T", " ");
}

/** The time that was typed; undefined if it is none. */
export function timeOfInput(value: string, utc: boolean): number | undefined {
  const [, day, time] = /^\s*(\d{4}-\d\d-\d\d)[ T]+(\d\d:\d\d)\s*$/.exec(value) ?? [];
  const at = Date.parse(`${day}T${time}${utc ? "Z" : ""}`);
  return Number.isNaN(at) ? undefined : at;
}
