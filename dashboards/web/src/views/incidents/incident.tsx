import type { IncidentPage } from "../../api.gen.ts";
import { fetchIncident } from "../../ask.ts";
import { Curve } from "../../curve/curve.tsx";
import { clock, count, plural, share, span, zone } from "../../format.ts";
import { now, useSection } from "../../live/store.ts";
import { outcomeWords } from "../../outcomes.ts";
import { trendWords } from "../../trend.ts";
import { useAsked } from "../../ui/asked.ts";
import { Panel } from "../../ui/parts.tsx";
import { Cells } from "./cells.tsx";
import { Actions } from "./actions.tsx";
import { Notes } from "./notes.tsx";
import { Alternatives, Changes, elsewhere, Recurrences, ServersThen } from "./around.tsx";

/** One incident with everything that is known around it; its address is its permalink. */
export function IncidentView({ id }: { id: string }) {
  const live = useSection("incidents"); // says when to ask again
  const [page, reload] = useAsked(async () => (await fetchIncident(id)) ?? "none", [id, live]);
  if (page === undefined) return null;
  if (page === "none") {
    return (
      <Panel id="incident" title="Incident">
        <p class="empty">
          There is no incident {id}, or it is older than what is kept. <a href="#/incidents">All incidents</a>
        </p>
      </Panel>
    );
  }
  return <Page page={page} reload={reload} />;
}

function Page({ page, reload }: { page: IncidentPage; reload: () => void }) {
  const { incident, curve } = page;
  const places = elsewhere(incident, now.value);
  return (
    <article class="incident-page">
      <Panel id="incident" title={page.cause ?? incident.title} note={<Actions page={page} />}>
        <Timeline page={page} />
        <p>
          <a href={places.explore}>Its requests</a> · <a href={places.reach}>Reachability then</a>
        </p>
        <Curve curve={curve} label={`Part of the requests that failed; ${share(curve.ratio, 1)} of the latest`} />
      </Panel>
      <Panel id="evidence" title="Why this verdict" note={(incident.verdict ?? "").replaceAll("_", " ")}>
        <p>
          <code>{[incident.outcome, ...incident.also].join(", ")}</code> {outcomeWords(incident.outcome)} · {incident.target} · {count(incident.failed)} of{" "}
          {plural(Math.round(incident.requests), "request")} failed in the worst minutes, {count(incident.expected)} expected · {plural(incident.clients, "client")}
        </p>
        <ul class="evidence">
          {incident.evidence.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        {page.runbook !== undefined && (
          <p>
            <a href={page.runbook} rel="noreferrer">
              What to do: the runbook
            </a>
          </p>
        )}
      </Panel>
      <Notes incident={incident} reload={reload} />
      <Cells cells={page.cells} suppressed={page.suppressed} />
      <Changes changes={page.changes} />
      <ServersThen servers={page.servers} />
      <Alternatives incident={incident} />
      <Recurrences incidents={page.recurrences} />
    </article>
  );
}

/** When it began, when somebody took it over, when it began to recover, when it was over. */
function Timeline({ page: { incident, curve } }: { page: IncidentPage }) {
  const since = Date.parse(incident.since);
  const steps: [number, string][] = [[since, "onset"]];
  const better = curve.trend_since === undefined ? undefined : Date.parse(curve.trend_since);
  // what the same networks and servers did after it was over is no part of it
  const over = incident.until === undefined ? Infinity : Date.parse(incident.until);
  if (better !== undefined && better > since && better < over && curve.trend !== undefined) steps.push([better, trendWords(curve.trend)]);
  const ack = incident.notes?.find((note) => note.kind === "ack");
  if (ack !== undefined) steps.push([Date.parse(ack.at), `acknowledged by ${ack.who || "somebody"}`]);
  if (over < Infinity) steps.push([over, "over"]);
  steps.sort((a, b) => a[0] - b[0]);
  return (
    <ol class="timeline">
      {steps.map(([at, what]) => (
        <li key={what}>
          <time dateTime={new Date(at).toISOString()}>
            {clock(at, now.value)} {zone(at)}
          </time>{" "}
          {what}
          {at > since && <span class="muted"> after {span(at - since)}</span>}
        </li>
      ))}
      {incident.until === undefined && (
        <li>
          <b class="bad-text">open</b> for {span(now.value - since)}
          {curve.trend !== undefined && better === undefined && `, ${trendWords(curve.trend)}`}
        </li>
      )}
      {incident.reopened > 0 && <li>came back {plural(incident.reopened, "time")} within an hour</li>}
    </ol>
  );
}
