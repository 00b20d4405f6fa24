import { useState } from "preact/hooks";
import type { Incident } from "../../api.gen.ts";
import { clock, count, listed, network, plural, span } from "../../format.ts";
import { outcomeWords } from "../../outcomes.ts";
import { now, useSection } from "../../live/store.ts";
import { careWords } from "../care.ts";
import { MutedScopes } from "../mutes.tsx";
import { Long, Short } from "../../ui/long.tsx";
import { Ago, More, Panel, Since } from "../../ui/parts.tsx";

const clearedShown = 2;
const openShown = 6;
/** With more open ones than this, the evidence waits behind a click. */
const unfolded = 3;

/**
 * What is wrong, who is hit, and since when: open incidents first, then those that cleared lately.
 */
export function Incidents() {
  const incidents = useSection("incidents");
  const grid = useSection("reachability");
  if (incidents === undefined) return null;
  const open = incidents.filter((incident) => incident.until === undefined);
  const cleared = incidents.filter((incident) => incident.until !== undefined);
  return (
    <Panel id="incidents" title="Incidents" note={open.length > 0 ? `${open.length} open` : "none open"}>
      <MutedScopes />
      {incidents.length === 0 && grid !== undefined && (
        <p class="empty">
          {grid.heard === undefined
            ? "None yet. One opens when requests fail more than they normally do, and says who is hit."
            : "Nothing abnormal in the last 24 hours."}
        </p>
      )}
      <List incidents={open} shown={openShown} unfold={open.length <= unfolded} />
      {cleared.length > 0 && <h3>Cleared in the last 24 hours</h3>}
      <List incidents={cleared} shown={clearedShown} unfold={false} />
    </Panel>
  );
}

function List(props: { incidents: Incident[]; shown: number; unfold: boolean }) {
  const [all, setAll] = useState(false);
  if (props.incidents.length === 0) return null;
  const shown = all ? props.incidents : props.incidents.slice(0, props.shown);
  return (
    <>
      <ul class="incidents">
        {shown.map((incident) => (
          <Item key={incident.id} incident={incident} unfold={props.unfold} />
        ))}
      </ul>
      <More hidden={props.incidents.length - props.shown} open={all} toggle={() => setAll(!all)} />
    </>
  );
}

function Item({ incident, unfold }: { incident: Incident; unfold: boolean }) {
  const open = incident.until === undefined;
  const since = Date.parse(incident.since);
  return (
    <li class={open ? "incident open" : "incident"}>
      <details class="incident-main" open={unfold}>
        <summary>
          <p class="incident-title">
            <Short text={incident.title} />
          </p>
          <p class="incident-what">
            <code>{[incident.outcome, ...incident.also].join(", ")}</code> {outcomeWords(incident.outcome)}
            <Scope incident={incident} />
          </p>
        </summary>
        <ul class="evidence">
          {incident.evidence.map((line) => (
            <li key={line}>
              <Long text={line} />
            </li>
          ))}
        </ul>
      </details>
      <ul class="incident-facts">
        <li>
          <a href={`#/incidents/${incident.id}`}>Its page</a>: where, what else changed, timeline
        </li>
        {incident.verdict !== undefined && <li>{verdictWords(incident)}</li>}
        <li>{open ? <Since at={since} /> : <Cleared since={since} until={Date.parse(incident.until!)} />}</li>
        {incident.verdict !== "vantage_silent" && (
          <li>
            {count(incident.failed)} of {plural(Math.round(incident.requests), "request")} failed, {count(incident.expected)} expected ·{" "}
            {plural(incident.clients, "client")}
          </li>
        )}
      </ul>
    </li>
  );
}

/** The cause, and why nobody is alerted if nobody is. */
function verdictWords(incident: Incident): string {
  const { verdict, late, page, reopened } = incident;
  const words = [(verdict ?? "").replaceAll("_", " ")];
  if (late) words.push("told late, of the past");
  else if (!page) words.push("alerts nobody");
  if (reopened > 0) words.push(`came back ${plural(reopened, "time")}`);
  words.push(...careWords(incident));
  return words.join(" · ");
}

function Cleared(props: { since: number; until: number }) {
  return (
    <>
      {clock(props.since, now.value)} for {span(props.until - props.since)}, cleared <Ago at={props.until} />
    </>
  );
}

const scopeShown = 4;

/** Who is hit and where: service, networks, countries, servers, and what they run. */
function Scope({ incident }: { incident: Incident }) {
  const { networks, countries, servers, versions, systems, protocols, statuses, collectors } = incident.scope;
  const parts: [string, string[]][] = [
    ["", incident.target === "" ? [] : [incident.target]],
    ["from", networks.map((n) => network(n.asn, n.as_name))],
    ["from", countries],
    ["at", servers],
    ["in version", versions],
    ["on", systems],
    ["over", protocols],
    ["with status", statuses.map(String)],
    ["told to", collectors],
  ];
  return (
    <>
      {parts
        .filter(([, names]) => names.length > 0)
        .map(([word, names]) => (
          <span key={names[0]} class="scope">
            {word} <b>{listed(names, scopeShown)}</b>
          </span>
        ))}
    </>
  );
}
