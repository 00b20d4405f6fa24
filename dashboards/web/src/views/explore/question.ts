// What is asked, and how it is written into the page's address, so that every answer is a link.
import { dimensions, type Dimension } from "../../api.gen.ts";

export interface Question {
  by: Dimension[];
  since: string;
  type: string;
  target: string;
}

/** What the page calls the dimensions. */
export const names: Record<Dimension, string> = {
  type: "Outcome", app: "Application", target: "Target", asn: "Network", country: "Country", server: "Server", protocol: "Protocol", status: "Status", source: "Source",
};

export const spans = ["15m", "1h", "6h", "24h", "7d"];

/** Reads a query; what it does not say, or says wrong, is the default. */
export function questionOf(query: string): Question {
  const p = new URLSearchParams(query);
  const by = (p.get("by") ?? "type").split(",").filter((d): d is Dimension => (dimensions as readonly string[]).includes(d));
  const since = p.get("since") ?? "";
  return { by: by.length > 0 ? [...new Set(by)] : ["type"], since: spans.includes(since) ? since : "1h", type: p.get("type") ?? "", target: p.get("target") ?? "" };
}

/** The query of a question, as the API takes it, too. */
export function queryFor(q: Question): string {
  const p = new URLSearchParams({ since: q.since, by: q.by.join(",") });
  if (q.type !== "") p.set("type", q.type);
  if (q.target !== "") p.set("target", q.target);
  return p.toString();
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
