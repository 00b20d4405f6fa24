import { fetchSetup } from "../../ask.ts";
import { count, plural, share } from "../../format.ts";
import { useAsked } from "../../ui/asked.ts";
import { Panel, Since } from "../../ui/parts.tsx";
import { Applications } from "./applications.tsx";
import { Policies } from "./policies.tsx";
import { Receivers } from "./receivers.tsx";
import type { Consents } from "../../api.gen.ts";

export function Settings() {
  const [setup, reload] = useAsked(fetchSetup, []);
  return (
    <div class="settings">
      <Applications />
      {setup !== undefined && (
        <>
          <Consent consent={setup.consent} />
          <Receivers receivers={setup.receivers} reload={reload} />
          <Policies policies={setup.policies} />
        </>
      )}
    </div>
  );
}

/** What can be known of consent: those who do not give it send nothing. */
function Consent({ consent }: { consent: Consents }) {
  const all = consent.counts + consent.diagnostics;
  return (
    <Panel id="consent" title="Consent" note={<a href="#/settings/collected">What is collected, for users who ask</a>}>
      {consent.since === undefined ? (
        <p class="empty">No detector runs here.</p>
      ) : (
        <>
          <p>
            {all === 0 ? "No batch of reports came " : `${plural(all, "batch", "batches")} of reports came `}
            <Since at={Date.parse(consent.since)} />
            {all > 0 && `: ${share(consent.counts, all)} of users who allow counts only, ${share(consent.diagnostics, all)} of users who allow diagnostics`}.{" "}
            {count(consent.withdrawn)} {consent.withdrawn === 1 ? "withdrawal" : "withdrawals"} of consent.
          </p>
          <p class="muted">How many users have not given consent nobody knows: they send nothing, not even that. Batches are counted, not users.</p>
        </>
      )}
    </Panel>
  );
}
