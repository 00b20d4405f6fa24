import { useState } from "preact/hooks";
import type { Probed } from "../../api.gen.ts";
import { useDown } from "../../live/probes.ts";
import { useWatch } from "../../live/store.ts";
import { Short } from "../../ui/long.tsx";
import { More, Panel, Since } from "../../ui/parts.tsx";
import { Findings, placeOf } from "../findings.tsx";

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
  return (
    <li class={server.reach === "global" ? "incident open" : "incident"}>
      <details class="incident-main" open={server.reach === "global"}>
        <summary>
          <p class="incident-title">
            <Short text={server.name} /> is down for {server.reach === "global" ? "all" : "some"}
          </p>
          <p class="incident-what">
            <Short text={server.why ?? ""} /> <span class="scope">{placeOf(server)}</span>
          </p>
        </summary>
        <Findings server={server} />
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
