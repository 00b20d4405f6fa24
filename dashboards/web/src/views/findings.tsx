// What the probers' vantages found of a server, in words.
import type { Finding, Probed } from "../api.gen.ts";
import { elapsed, network, shortened, span } from "../format.ts";
import { now } from "../live/store.ts";
import { outcomeWords } from "../outcomes.ts";
import { Ago } from "../ui/parts.tsx";

/** Where a server stands: "north › dc-1 › web › r3". */
export function placeOf(server: Probed): string {
  return [server.region, server.data_centre, server.cluster, server.row].filter(Boolean).map((name) => shortened(name!, 80)).join(" › ");
}

/** What each vantage saw. */
export function Findings({ server }: { server: Probed }) {
  return (
    <ul class="evidence">
      {server.vantages.map((found) => (
        <li key={found.vantage}>
          <Saw found={found} />
        </li>
      ))}
    </ul>
  );
}

/** What one vantage saw: how its last attempt ended, where, and how long each step took. */
function Saw({ found }: { found: Finding }) {
  const steps = (found.steps ?? []).map((step) => `${step.name} ${elapsed(step.ms)}`).join(", ");
  return (
    <>
      <b>{shortened(found.vantage)}</b> ({network(found.asn, found.as_name)}): {found.judgement}
      {found.since !== undefined && ` for ${span(now.value - Date.parse(found.since))}`} · <code>{found.outcome}</code> {outcomeWords(found.outcome)}
      {found.phase !== undefined && found.outcome !== "ok" && ` in ${found.phase}`}
      {found.server !== undefined && ` at ${shortened(found.server)}`}
      {steps !== "" && ` (${steps})`} · <Ago at={Date.parse(found.at)} />
      {found.expired && ", too long to count"}
    </>
  );
}
