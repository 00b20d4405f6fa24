import { useState } from "preact/hooks";
import type { Finding, Probed } from "../../api.gen.ts";
import { elapsed, network, span } from "../../format.ts";
import { useDown } from "../../live/probes.ts";
import { now, useWatch } from "../../live/store.ts";
import { outcomeWords } from "../../outcomes.ts";
import { Ago, More, Panel, Since } from "../../ui/parts.tsx";

const shown = 5;

/** Which servers are down, for whom, since when and why, and what each vantage saw. */
export function Probes() {
  useWatch("servers"); // it says when to ask
  const down = useDown();
  const [all, setAll] = useState(false);
  if (down.length === 0) return null;
  return (
    <Panel id="probes" title="Why servers are down" note="as the probers find it">
      <ul class="incidents">
        {(all ? down : down.slice(0, shown)).map((server) => (
          <Item key={server.name} server={server} />
        ))}
      </ul>
      <More hidden={down.length - shown} open={all} toggle={() => setAll(!all)} />
    </Panel>
  );
}

function Item({ server }: { server: Probed }) {
  const place = [server.region, server.data_centre, server.cluster, server.row].filter(Boolean).join(" › ");
  return (
    <li class={server.reach === "global" ? "incident open" : "incident"}>
      <details class="incident-main" open={server.reach === "global"}>
        <summary>
          <p class="incident-title">
            {server.name} is down for {server.reach === "global" ? "all" : "some"}
          </p>
          <p class="incident-what">
            {server.why} <span class="scope">{place}</span>
          </p>
        </summary>
        <ul class="evidence">
          {server.vantages.map((found) => (
            <li key={found.vantage}>
              <Saw found={found} />
            </li>
          ))}
        </ul>
      </details>
      {server.since !== undefined && (
        <ul class="incident-facts">
          <li>
            <Since at={Date.parse(server.since)} />
          </li>
        </ul>
      )}
    </li>
  );
}

/** What one vantage saw: how its last attempt ended, where, and how long each step took. */
export function Saw({ found }: { found: Finding }) {
  const steps = (found.steps ?? []).map((step) => `${step.name} ${elapsed(step.ms)}`).join(", ");
  return (
    <>
      <b>{found.vantage}</b> ({network(found.asn, found.as_name)}): {found.judgement}
      {found.since !== undefined && ` for ${span(now.value - Date.parse(found.since))}`} · <code>{found.outcome}</code> {outcomeWords(found.outcome)}
      {found.phase !== undefined && found.outcome !== "ok" && ` in ${found.phase}`}
      {found.server !== undefined && ` at ${found.server}`}
      {steps !== "" && ` (${steps})`} · <Ago at={Date.parse(found.at)} />
      {found.expired && ", too long to count"}
    </>
  );
}
