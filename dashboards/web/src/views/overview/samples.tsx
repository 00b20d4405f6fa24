import { useSection } from "../../live/store.ts";
import { Panel } from "../../ui/parts.tsx";
import { SampleTable } from "../../ui/sampletable.tsx";

/** The latest requests in detail, from users who allow diagnostics. */
export function Samples() {
  const reports = useSection("reports");
  if (reports === undefined) return null;
  return (
    <Panel id="samples" title="Latest samples" note="from users who allow diagnostics; URLs scrubbed">
      {reports.length === 0 ? (
        <p class="empty">
          None in the last hour. Run: <code>heliograph get --policy DIR/policy --consent diagnostics https://…</code>
        </p>
      ) : (
        <SampleTable reports={reports} />
      )}
    </Panel>
  );
}
