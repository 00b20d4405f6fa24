import type { IncidentPage } from "../../api.gen.ts";
import { fetchIncident } from "../../ask.ts";
import { Curve } from "../../curve/curve.tsx";
import { count, plural, share, shortened } from "../../format.ts";
import { now, useSection } from "../../live/store.ts";
import { outcomeWords } from "../../outcomes.ts";
import { useAsked } from "../../ui/asked.ts";
import { Long } from "../../ui/long.tsx";
import { Panel } from "../../ui/parts.tsx";
import { Cells } from "./cells.tsx";
import { Actions } from "./actions.tsx";
import { Notes } from "./notes.tsx";
import { Alternatives, Changes, elsewhere, Recurrences, ServersThen } from "./around.tsx";
import { Muting } from "./muting.tsx";
import { Public } from "./public.tsx";
import { Timeline } from "./timeline.tsx";

/** One incident with everything that is known around it; its address is its permalink. */
export function IncidentView({ id }: { id: string }) {
  const live = useSection("incidents"); // says when to ask again
  const [page, reload] = useAsked(async () => (await fetchIncident(id)) ?? "none", [id, live]);
  if (page === undefined) return null;
  if (page === "none") {
    return (
      <Panel id="incident" title="Incident">
        <p class="empty">
          There is no incident {shortened(id, 80)}, or it is older than what is kept. <a href="#/incidents">All incidents</a>
        </p>
      </Panel>
    );
  }
  return <Page key={page.incident.id} page={page} reload={reload} />; // what is typed is about one incident
}

function Page({ page, reload }: { page: IncidentPage; reload: () => void }) {
  const { incident, curve } = page;
  const places = elsewhere(incident, now.value);
  return (
    <article class="incident-page">
      <Panel id="incident" title={page.cause ?? incident.title} note={<Actions page={page} />}>
        <Muting incident={incident} reload={reload} />
        <Timeline page={page} />
        <p>
          <a href={places.explore}>Its requests</a> · <a href={places.reach}>Reachability then</a>
        </p>
        <Curve curve={curve} label={`Part of the requests that failed; ${share(curve.ratio, 1)} of the latest`} />
      </Panel>
      <Panel id="evidence" title="Why this verdict" note={(incident.verdict ?? "").replaceAll("_", " ")}>
        <p>
          <code>{[incident.outcome, ...incident.also].join(", ")}</code> {outcomeWords(incident.outcome)} · <Long text={incident.target} /> · {count(incident.failed)} of{" "}
          {plural(Math.round(incident.requests), "request")} failed in the worst minutes, {count(incident.expected)} expected · {plural(incident.clients, "client")}
        </p>
        <ul class="evidence">
          {incident.evidence.map((line) => (
            <li key={line}>
              <Long text={line} />
            </li>
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
      <Public page={page} reload={reload} />
      <Cells cells={page.cells} suppressed={page.suppressed} />
      <Changes changes={page.changes} />
      <ServersThen servers={page.servers} />
      <Alternatives incident={incident} />
      <Recurrences incidents={page.recurrences} />
    </article>
  );
}
