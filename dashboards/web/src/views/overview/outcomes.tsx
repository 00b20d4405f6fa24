import { useState } from "preact/hooks";
import type { CollectorTotal, Total } from "../../api.gen.ts";
import { count, share, span } from "../../format.ts";
import { outcomeWords } from "../../outcomes.ts";
import { useSection } from "../../live/store.ts";
import { Short } from "../../ui/long.tsx";
import { FailedCells, More, NumberHead, Panel } from "../../ui/parts.tsx";

const shownAtFirst = 8;

/** How requests ended. */
export function Outcomes() {
  const [all, setAll] = useState(false);
  const totals = useSection("totals");
  if (totals === undefined) return null;
  const failures = totals.outcomes.filter((t) => t.failed > 0).sort((a, b) => b.failed - a.failed);
  const requests = totals.outcomes.reduce((sum, t) => sum + t.ok + t.failed, 0);
  const most = failures[0]?.failed ?? 0;
  return (
    <Panel id="outcomes" title="Outcomes" note={`last ${span(totals.window_seconds * 1000)}`}>
      {requests === 0 ? (
        <p class="empty">
          No reports yet. Run: <code>heliograph get --policy DIR/policy --consent counts https://…</code>
        </p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Outcome</th>
              <NumberHead span={2}>Requests</NumberHead>
              <NumberHead>Share</NumberHead>
              <NumberHead>Clients</NumberHead>
            </tr>
          </thead>
          <tbody>
            <Answered totals={totals.outcomes} requests={requests} />
            {failures.slice(0, all ? undefined : shownAtFirst).map((t) => (
              <tr key={t.type}>
                <th scope="row">
                  <code>{t.type}</code> <span class="muted words">{outcomeWords(t.type ?? "")}</span>
                </th>
                <FailedCells failed={t.failed} most={most} all={requests} clients={t.clients} />
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <More hidden={failures.length - shownAtFirst} open={all} toggle={() => setAll(!all)} />
      <Collectors totals={totals.collectors} />
    </Panel>
  );
}

function Answered(props: { totals: Total[]; requests: number }) {
  const ok = props.totals.reduce((sum, t) => sum + t.ok, 0);
  const clients = props.totals.find((t) => t.type === "ok")?.clients ?? 0;
  return (
    <tr>
      <th scope="row">
        <code>ok</code> <span class="muted words">{outcomeWords("ok")}</span>
      </th>
      <td class="bar-cell" />
      <td class="number">{count(ok)}</td>
      <td class="number">{share(ok, props.requests)}</td>
      <td class="number">{clients > 0 ? count(clients) : "–"}</td>
    </tr>
  );
}

/**
 * How the reports themselves travel: agents say which collectors failed before one took
 * their batch.
 */
function Collectors(props: { totals: CollectorTotal[] }) {
  if (props.totals.length === 0) return null;
  return (
    <>
      <h3>Delivery of reports</h3>
      <ul class="collectors">
        {props.totals.map((t) => (
          <li key={t.target} class={t.failing ? "failing" : ""}>
            <b>
              <Short text={(t.target ?? "").replace(/^collector:/, "")} />
            </b> {count(t.ok)} delivered
            {t.failed > 0 && <span class="bad-text">, {count(t.failed)} failed</span>}
          </li>
        ))}
      </ul>
    </>
  );
}
