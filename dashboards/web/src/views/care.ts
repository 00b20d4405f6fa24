import type { Incident } from "../api.gen.ts";
import { moment, zone } from "../format.ts";
import { now } from "../live/store.ts";

/** What people have done about an incident, as far as it matters in a list: "acknowledged", "muted until 13:00 UTC". */
export function careWords({ acknowledged, muted, until }: Incident): string[] {
  const words: string[] = [];
  if (acknowledged) words.push("acknowledged");
  if (muted !== undefined && until === undefined) {
    const end = Date.parse(muted.until);
    words.push(`muted until ${moment(end, now.value)} ${zone(end)}`);
  }
  return words;
}
