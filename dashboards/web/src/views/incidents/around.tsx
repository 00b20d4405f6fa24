// What is around an incident: changes, probers, other explanations, and the same fault before.
import type { Change, Incident, Probed, Scope } from "../../api.gen.ts";
import { clock, listed, network, span } from "../../format.ts";
import { now } from "../../live/store.ts";
import { rangeParams, secondsSpan } from "../../range.ts";
import { Long, Short } from "../../ui/long.tsx";
import { Panel } from "../../ui/parts.tsx";

export function Changes({ changes }: { changes: Change[] }) {
  return (
    <Panel id="changes" title="What else changed" note="from an hour before the onset on">
      {changes.length === 0 ? (
        <p class="empty">No version, policy, server or other incident that this page knows of.</p>
      ) : (
        <ul>
          {changes.map((change) => (
            <li key={`${change.at} ${change.text}`}>
              {clock(Date.parse(change.at), now.value)}{" "}
              {change.incident === undefined ? (
                <Long text={change.text} />
              ) : (
                <a href={`#/incidents/${change.incident}`}>
                  <Short text={change.text} />
                </a>
              )}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

export function ServersThen({ servers }: { servers: Probed[] }) {
  if (servers.length === 0) return null;
  return (
    <Panel id="probed" title="What the probers hold" note="now">
      <ul>
        {servers.map((server) => (
          <li key={server.name}>
            <a href={`#/vantages?${new URLSearchParams({ server: server.name })}`}>
              <Short text={server.name} />
            </a>{" "}
            {words[server.reach] ?? server.reach}{" "}
            <span class="muted">
              <Long text={server.why ?? ""} />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const words: Record<string, string> = { global: "is down for all", local: "is down for some", up: "is up", unknown: "is not known" };

/** The addresses of the requests of an incident's scope and time in Explore, and of reachability then. */
export function elsewhere(incident: Incident, now: number): { explore: string; reach: string } {
  const begins = Date.parse(incident.since);
  const ends = incident.until === undefined ? undefined : Date.parse(incident.until);
  const length = (ends ?? now) - begins;
  const margin = Math.max(length / 4, 15 * 60_000);
  const until = ends !== undefined && ends + margin < now ? ends + margin : undefined;
  const range = rangeParams({ since: secondsSpan((until ?? now) - begins + margin), until });
  const target = incident.target === "" || !incident.target.includes("://") ? {} : { target: incident.target };
  const { networks, countries, servers, protocols } = incident.scope;
  const only = (name: string, list: (string | number)[]) => (list.length === 1 ? { [name]: `${list[0]}` } : {});
  const scope = { ...only("asn", networks.map((n) => n.asn)), ...only("country", countries), ...only("server", servers), ...only("protocol", protocols) };
  return {
    explore: `#/explore?${new URLSearchParams({ ...range, by: "type", ...target, ...scope })}`,
    reach: `#/reach?${new URLSearchParams({ ...range, ...target })}`,
  };
}

/** The other explanations of who is hit, the best first. */
export function Alternatives({ incident }: { incident: Incident }) {
  if (incident.others.length === 0) return null;
  return (
    <Panel id="others" title="Other explanations" note={`the first explains ${Math.round(incident.share * 100)} % of the failures`}>
      <ol class="numbered">
        {[incident.scope, ...incident.others].map((scope, i) => (
          <li key={i}>{scopeWords(scope)}</li>
        ))}
      </ol>
    </Panel>
  );
}

/** So many names of a kind are said of each explanation; the incident's JSON has all. */
const mostNamed = 12;

function scopeWords(scope: Scope): string {
  const parts: [string, string[]][] = [
    ["from", scope.networks.map((n) => network(n.asn, n.as_name))],
    ["from", scope.countries],
    ["at", scope.servers],
    ["in version", scope.versions],
    ["on", scope.systems],
    ["over", scope.protocols],
    ["with status", scope.statuses.map(String)],
    ["told to", scope.collectors],
  ];
  const told = parts.filter(([, names]) => names.length > 0).map(([word, names]) => `${word} ${listed(names, mostNamed)}`);
  return told.length === 0 ? "everyone" : told.join(" ");
}

export function Recurrences({ incidents }: { incidents: Incident[] }) {
  if (incidents.length === 0) return null;
  return (
    <Panel id="recurrences" title="The same before and after" note={`${incidents.length} within what is kept`}>
      <ul>
        {incidents.map((i) => (
          <li key={i.id}>
            <a href={`#/incidents/${i.id}`}>{clock(Date.parse(i.since), now.value)}</a> for {span((i.until ? Date.parse(i.until) : now.value) - Date.parse(i.since))}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
