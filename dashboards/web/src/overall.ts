// The state of everything in one sentence. It never says that all is well when nothing was heard.
import type { Incident, Reachability, ServersSummary, Totals } from "./api.ts";
import { count, plural, share, span } from "./format.ts";

export type Level = "good" | "bad" | "quiet";

export interface Overall {
  level: Level;
  /** What the state is called: "All reachable". */
  headline: string;
  /** What follows it after a colon; may be empty. */
  subject: string;
  /** What it rests on, a line of its own. */
  basis: string;
}

/**
 * Columns without any request before the page calls it silence, and the least time, because reports
 * come in windows.
 */
const silentSteps = 5;
const leastSilenceMS = 120_000;

export function overall(
  totals: Totals,
  incidents: Incident[],
  servers: ServersSummary,
  reachability: Reachability,
  now: number,
): Overall {
  const basis = basisOf(totals, servers);
  const open = incidents.filter((incident) => incident.until === undefined);
  if (open.length > 0) {
    return { level: "bad", headline: `${plural(open.length, "incident")} open`, subject: open[0]!.title, basis };
  }
  if (servers.down > 0) {
    const subject = `${count(servers.down)} of ${plural(servers.count, "server")} down`;
    return { level: "bad", headline: "No incident open", subject, basis };
  }
  const heard = lastHeard(reachability);
  if (heard === undefined && requests(totals) === 0) {
    const subject = servers.up > 0 ? `probes reach ${plural(servers.up, "server")}` : "";
    return { level: "quiet", headline: "No reports yet", subject, basis };
  }
  const silence = heard === undefined ? Infinity : now - heard;
  if (silence > Math.max(leastSilenceMS, silentSteps * reachability.step_seconds * 1000)) {
    const subject = heard === undefined ? "" : `nothing for ${span(silence)}`;
    return { level: "quiet", headline: "Reports have stopped", subject, basis };
  }
  return { level: "good", headline: "All reachable", subject: "", basis };
}

function basisOf(totals: Totals, servers: ServersSummary): string {
  const parts: string[] = [];
  const all = requests(totals);
  if (all > 0) {
    const failed = totals.outcomes.reduce((sum, t) => sum + t.failed, 0);
    parts.push(`${plural(Math.round(all), "request")} in ${span(totals.window_seconds * 1000)}, ${share(failed, all)} failed`);
    parts.push(plural(totals.network_count, "network"));
  }
  if (servers.count > 0) {
    parts.push(plural(servers.count, "server") + (servers.unknown > 0 ? `, ${count(servers.unknown)} of unknown state` : ""));
  }
  return parts.join(" · ");
}

function requests(totals: Totals): number {
  return totals.outcomes.reduce((sum, t) => sum + t.ok + t.failed, 0);
}

/** The end of the last column in which any network was heard, Unix ms; undefined when none was. */
export function lastHeard({ all, start, step_seconds }: Reachability): number | undefined {
  const last = all.ok.findLastIndex((ok, i) => ok + (all.failed[i] ?? 0) > 0);
  return last < 0 ? undefined : Date.parse(start) + (last + 1) * step_seconds * 1000;
}
