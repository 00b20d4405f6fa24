// What is asked, and how it is written into the page's address, so that every answer is a link.
import { dimensions, type Dimension } from "../../api.gen.ts";
import { rangeOf, rangeParams, type Range } from "../../range.ts";

/** What is shown of the requests that are asked for. */
export type Shown = "requests" | "samples" | "errors";

/** By what requests are selected, besides their time. */
export type Filter = "type" | "target" | "asn" | "country" | "server" | "protocol" | "app" | "status" | "source";

export interface Question {
  show?: Shown; // requests if absent
  by: Dimension[];
  since: string;
  until?: number; // Unix ms; absent for now
  type: string;
  target: string;
  asn?: string;
  country?: string;
  server?: string;
  protocol?: string;
  app?: string;
  status?: string;
  source?: string;
  text?: string; // fields and words that samples are searched for
  fingerprint?: string; // of application errors only
}

export const shownNames: Record<Shown, string> = { requests: "Requests", samples: "Samples", errors: "Application errors" };

/** What the page calls the dimensions. */
export const names: Record<Dimension, string> = {
  type: "Outcome", app: "Application", target: "Target", asn: "Network", country: "Country", server: "Server", protocol: "Protocol", status: "Status", source: "Source",
};

const places = ["asn", "country", "server", "protocol"] as const;
/** By these only sums are selected; of samples they are fields of the search. */
const kinds = ["app", "status", "source"] as const;
export const filters: readonly Filter[] = ["type", "target", ...places, ...kinds];

/** The filters that count for what is shown. The search of samples knows no status that is none. */
export function filtersOf({ show, status }: Question): readonly Filter[] {
  if (show === "errors") return ["app"];
  return show === "samples" && status === "0" ? filters.filter((filter) => filter !== "status") : filters;
}

/** Reads a query; what it does not say, or says wrong, is the default. */
export function questionOf(query: string): Question {
  const p = new URLSearchParams(query);
  const by = (p.get("by") ?? "type").split(",").filter((d): d is Dimension => (dimensions as readonly string[]).includes(d));
  const { since, until } = rangeOf(query);
  const q: Question = { by: by.length > 0 ? [...new Set(by)] : ["type"], since, type: p.get("type") ?? "", target: p.get("target") ?? "" };
  if (until !== undefined) q.until = until;
  const show = p.get("show");
  if (show === "samples" || show === "errors") q.show = show;
  for (const filter of [...places, ...kinds]) {
    const value = p.get(filter);
    if (value) q[filter] = value;
  }
  const text = p.get("q");
  if (text) q.text = text;
  const fingerprint = p.get("fingerprint");
  if (fingerprint && q.show === "errors") q.fingerprint = fingerprint;
  return q;
}

/** The time that is asked for. */
export function rangeIn(q: Question): Range {
  return { since: q.since, until: q.until };
}

/** The same question of another time. */
export function within(q: Question, { since, until }: Range): Question {
  const { until: _, ...rest } = q;
  return until === undefined ? { ...rest, since } : { ...rest, since, until };
}

/** The same question with a filter, or with "" without it. */
export function filtered(q: Question, filter: Filter, value: string): Question {
  if (filter === "type" || filter === "target") return { ...q, [filter]: value };
  const { [filter]: _, ...rest } = q;
  return value === "" ? rest : { ...rest, [filter]: value };
}

/** The same question of all causes of errors. */
export function ofAllCauses({ fingerprint: _, ...rest }: Question): Question {
  return rest;
}

/** The query of a question: its part of the page's address. */
export function queryFor(q: Question): string {
  const p = selection(q);
  p.set("by", q.by.join(","));
  if (q.text) p.set("q", q.text);
  if (q.show !== undefined && q.show !== "requests") p.set("show", q.show);
  if (q.show === "errors" && q.fingerprint !== undefined) p.set("fingerprint", q.fingerprint);
  return p.toString();
}

/** Which requests are asked for, as the API takes it for sums. */
function selection(q: Question): URLSearchParams {
  const p = coarse(q);
  for (const kind of kinds) {
    const value = q[kind];
    if (value) p.set(kind, value);
  }
  return p;
}

/** The same without what only sums are selected by. */
function coarse(q: Question): URLSearchParams {
  const p = new URLSearchParams(rangeParams(rangeIn(q)));
  for (const filter of ["type", "target", ...places] as const) {
    const value = q[filter];
    if (value) p.set(filter, value);
  }
  return p;
}

/** The query of the curve; undefined if there is none of what is asked for. */
export function curveOf(q: Question): string | undefined {
  return kinds.some((kind) => q[kind]) ? undefined : coarse(q).toString();
}

/** What samples are searched for: what is typed, and the fields that are chosen. */
function searched(q: Question): string {
  const fields = kinds.filter((kind) => filtersOf(q).includes(kind)).flatMap((kind) => (q[kind] ? [`${kind}:"${q[kind]!.replaceAll('"', "")}"`] : []));
  return [...fields, q.text ?? ""].join(" ").trim();
}

/** The cause and the application of errors that are asked for. */
function only({ fingerprint, app }: Question): Record<string, string> {
  return { ...(fingerprint === undefined ? {} : { fingerprint }), ...(app ? { app } : {}) };
}

/** The path of the API that answers a question. */
export function pathFor(q: Question, limit: number): string {
  if (q.show === "samples") {
    const p = coarse(q);
    const text = searched(q);
    if (text) p.set("q", text);
    return `/api/v1/reports?${p}&limit=${limit}`;
  }
  if (q.show === "errors") return `/api/v1/errors?${new URLSearchParams({ ...rangeParams(rangeIn(q)), ...only(q) })}&limit=${limit}`;
  return `/api/v1/totals?${selection(q)}&by=${q.by.join(",")}&limit=${limit}`;
}

/**
 * Lines of comma-separated values (RFC 4180). What a spreadsheet would take for a formula
 * becomes text.
 */
export function csv(lines: (string | number)[][]): string {
  const cell = (v: string | number) => {
    const text = typeof v === "string" && /^[=+\-@\t]/.test(v) ? `'${v}` : String(v);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return lines.map((line) => line.map(cell).join(",") + "\r\n").join("");
}

/** A list of what the API returned as lines of CSV; the columns are all that any of them has. */
export function listCSV(list: object[]): string {
  const rows = list as Record<string, unknown>[];
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (v: unknown) => (typeof v === "number" || typeof v === "string" ? v : v === undefined ? "" : JSON.stringify(v));
  return csv([columns, ...rows.map((row) => columns.map((c) => cell(row[c])))]);
}
