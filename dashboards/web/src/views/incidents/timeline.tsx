import type { IncidentPage } from "../../api.gen.ts";
import { clock, plural, span, zone } from "../../format.ts";
import { now } from "../../live/store.ts";
import { Long } from "../../ui/long.tsx";
import { trendWords } from "../../trend.ts";

/** What failed to happen. */
const faults: readonly string[] = ["not_told", "given_up"];

/** What happened, what was judged, who was told and what people did, and how it is now. */
export function Timeline({ page: { incident, curve, timeline } }: { page: IncidentPage }) {
  const since = Date.parse(incident.since);
  return (
    <ol class="timeline">
      {timeline.map(({ at, kind, text }) => (
        <li key={`${at} ${kind} ${text}`} class={faults.includes(kind) ? "bad-text" : undefined}>
          <time dateTime={at}>
            {clock(Date.parse(at), now.value)} {zone(Date.parse(at))}
          </time>
          <span>
            <Long text={text} />
            {Date.parse(at) > since && <span class="muted"> +{span(Date.parse(at) - since)}</span>}
          </span>
        </li>
      ))}
      {incident.until === undefined && (
        <li>
          <span>now</span>
          <span>
            <b class="bad-text">open</b> for {span(now.value - since)}
            {curve.trend !== undefined && `, ${trendWords(curve.trend)}`}
          </span>
        </li>
      )}
      {incident.reopened > 0 && (
        <li>
          <span />
          <span>came back {plural(incident.reopened, "time")} within an hour</span>
        </li>
      )}
    </ol>
  );
}
