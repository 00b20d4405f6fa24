import type { Incident } from "../../api.gen.ts";
import { fetchIncidents } from "../../ask.ts";
import { clock, count, plural, span } from "../../format.ts";
import { now, useSection } from "../../live/store.ts";
import { useAsked } from "../../ui/asked.ts";
import { Short } from "../../ui/long.tsx";
import { NumberHead, Panel } from "../../ui/parts.tsx";
import { careWords } from "../care.ts";
import { grouped } from "./group.ts";
import { Mutes } from "./mutes.tsx";

const days = 30;

/** All incidents of a month, those that came back as one row. */
export function IncidentList() {
  const live = useSection("incidents"); // says when to ask again
  const [all] = useAsked(() => fetchIncidents(days), [live]);
  if (all === undefined) return null;
  return (
    <div class="incident-page">
      <Panel id="all-incidents" title="Incidents" note={`of ${days} days`}>
        {all.length === 0 ? <p class="empty">None.</p> : <Table groups={grouped(all)} />}
      </Panel>
      <Mutes />
    </div>
  );
}

function Table({ groups }: { groups: [Incident, ...Incident[]][] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Last</th>
          <NumberHead wide>Lasted</NumberHead>
          <NumberHead wide>Clients</NumberHead>
          <NumberHead>Times</NumberHead>
        </tr>
      </thead>
      <tbody>
        {groups.map((group) => (
          <Row key={group[0].id} last={group[0]} times={group.length} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ last, times }: { last: Incident; times: number }) {
  const since = Date.parse(last.since);
  const until = last.until === undefined ? undefined : Date.parse(last.until);
  return (
    <tr>
      <th scope="row">
        <a href={`#/incidents/${last.id}`}>
          <Short text={last.title} />
        </a>{" "}
        <span class="muted">{[(last.verdict ?? "").replaceAll("_", " "), ...careWords(last)].filter((w) => w !== "").join(" · ")}</span>
      </th>
      <td>
        {clock(since, now.value)} {until === undefined && <b class="bad-text">open</b>}
      </td>
      <td class="number wide">{span((until ?? now.value) - since)}</td>
      <td class="number wide">{count(last.clients)}</td>
      <td class="number">{times > 1 ? plural(times, "time") : "once"}</td>
    </tr>
  );
}
