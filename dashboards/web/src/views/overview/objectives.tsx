import type { Objective } from "../../api.gen.ts";
import { share } from "../../format.ts";
import { useSection } from "../../live/store.ts";
import { Long } from "../../ui/long.tsx";
import { Bar, NumberHead, Panel } from "../../ui/parts.tsx";

/** What is left of the error budgets, and how fast they are spent. */
export function Objectives() {
  const objectives = useSection("objectives");
  if (objectives === undefined || objectives.length === 0) return null;
  return (
    <Panel id="objectives" title="Error budgets" note="of 30 days">
      <table>
        <thead>
          <tr>
            <th scope="col">Target</th>
            <NumberHead>Promised</NumberHead>
            <NumberHead span={2}>Spent</NumberHead>
          </tr>
        </thead>
        <tbody>
          {objectives.map((o) => (
            <Row key={`${o.target} ${o.within_ms}`} objective={o} />
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

/** milliseconds is a duration as people say it: "80 ms", "1.9 s". */
function milliseconds(ms = 0): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toPrecision(2))} s`;
}

function Row({ objective: o }: { objective: Objective }) {
  const spent = 1 - o.budget_left;
  return (
    <tr>
      <th scope="row">
        <Long text={o.target} /> {o.alert !== undefined && <b class="bad-text">{o.alert === "page" ? "gone within days" : "will not last"}</b>}
        {o.why !== undefined && <p class="muted">{o.why}</p>}
        {o.p50_ms !== undefined && (
          <p class="muted">
            In the last hour: half within {milliseconds(o.p50_ms)}, 95 % within {milliseconds(o.p95_ms)}, 99 % within {milliseconds(o.p99_ms)}
          </p>
        )}
      </th>
      <td class="number">
        {(o.share * 100).toFixed(3).replace(/\.?0+$/, "")} %{o.within_ms !== undefined && <> in {milliseconds(o.within_ms)}</>}
      </td>
      <td class="bar-cell">
        <Bar part={spent} whole={1} />
      </td>
      <td class="number">{spent > 1 ? "more than all" : share(spent, 1)}</td>
    </tr>
  );
}
