import { useState } from "preact/hooks";
import type { Reachability, Total } from "../../api.gen.ts";
import { count, failedWords, minute, span } from "../../format.ts";
import { useSection } from "../../live/store.ts";
import { strip } from "../../strip.ts";
import { moved, type Cursor } from "../../ui/cursor.ts";
import { More, NumberHead, Panel } from "../../ui/parts.tsx";
import { latest, rowsOf, type NetworkRow } from "./rows.ts";

const shownAtFirst = 12;

/**
 * Which networks reach the service, and since when not: one row a network, one column a
 * step of time.
 */
export function Networks() {
  const [all, setAll] = useState(false);
  const [cursor, setCursor] = useState<Cursor | undefined>(undefined);
  const grid = useSection("reachability");
  const totals = useSection("totals");
  if (grid === undefined || totals === undefined) return null;
  const rows = rowsOf(grid, totals.networks);
  const shown = all ? rows : rows.slice(0, shownAtFirst);
  if (rows.length === 0) {
    return (
      <Panel id="networks" title="Networks">
        <p class="empty">No reports yet. The networks that clients come from appear with the first ones.</p>
      </Panel>
    );
  }
  const key = (event: KeyboardEvent) => {
    const next = moved(event.key, cursor, withSum.length, grid.steps, { row: 0, column: grid.steps - 1 });
    if (next === undefined) return;
    event.preventDefault();
    setCursor(next);
  };
  const withSum = rows.length > 1 ? [sumRow(grid, totals.outcomes), ...shown] : shown;
  return (
    <Panel id="networks" title="Networks" note={<Key />}>
      <div
        class="status-history"
        tabIndex={0}
        role="group"
        aria-label="Status history of every network. Arrow keys move from step to step."
        onKeyDown={key}
        onBlur={() => setCursor(undefined)}
        onPointerLeave={() => setCursor(undefined)}
      >
        <table>
          <thead>
            <tr>
              <th scope="col">Network</th>
              <th scope="col" class="history-head">
                <Axis grid={grid} />
              </th>
              <NumberHead>Failing now</NumberHead>
              <NumberHead wide>Failed</NumberHead>
              <NumberHead wide>Requests</NumberHead>
              <NumberHead wide>Clients</NumberHead>
            </tr>
          </thead>
          <tbody>
            {withSum.map((row, i) => (
              <Row
                key={row.key}
                row={row}
                steps={grid.steps}
                column={cursor?.row === i ? cursor.column : undefined}
                point={(column) => setCursor({ row: i, column })}
              />
            ))}
          </tbody>
        </table>
      </div>
      <p class="readout" aria-live="polite">
        {cursor !== undefined && withSum[cursor.row] !== undefined
          ? readout(grid, withSum[cursor.row]!, cursor.column)
          : `Columns of ${span(grid.step_seconds * 1000)}; numbers of the last ${span(totals.window_seconds * 1000)}.`}
      </p>
      <More hidden={rows.length - shownAtFirst} open={all} toggle={() => setAll(!all)} />
    </Panel>
  );
}

function Key() {
  return (
    <span class="key">
      <i class="swatch up" /> answered <i class="swatch down" /> failed <i class="swatch none" /> nothing heard
    </span>
  );
}

/** The times at the beginning, the middle and the end of the columns. */
function Axis({ grid }: { grid: Reachability }) {
  const start = Date.parse(grid.start);
  const at = (part: number) => minute(start + part * grid.steps * grid.step_seconds * 1000);
  return (
    <span class="axis">
      <span>{at(0)}</span>
      <span>{at(0.5)}</span>
      <span>now</span>
    </span>
  );
}

function Row(props: { row: NetworkRow; steps: number; column: number | undefined; point: (column: number) => void }) {
  const { row, steps } = props;
  const { heard, failed } = strip(row.history.ok, row.history.failed);
  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * steps);
    props.point(Math.max(0, Math.min(steps - 1, column)));
  };
  return (
    <tr class={row.failing ? "failing" : ""}>
      <th scope="row" title={row.name}>
        <span class="network">
          <span class="network-name">{row.name}</span>
          {row.asn !== undefined && row.asn > 0 && row.name !== `AS${row.asn}` && <span class="muted asn">AS{row.asn}</span>}
        </span>
      </th>
      <td class="history">
        <svg viewBox={`0 0 ${steps} 1`} preserveAspectRatio="none" role="img" aria-label={`${row.name}: ${row.latest} of the latest requests failed`} onPointerMove={point} onPointerDown={point}>
          <rect class="none" width={steps} height="1" />
          <path class="heard" d={heard} />
          <path class="failed" d={failed} />
          {props.column !== undefined && <rect class="cursor" x={props.column} y="0" width="1" height="1" />}
        </svg>
      </td>
      <td class="number latest">{row.latest}</td>
      <td class="number wide">{count(row.failed)}</td>
      <td class="number wide">{count(row.ok + row.failed)}</td>
      <td class="number wide">{row.clients > 0 ? count(row.clients) : "–"}</td>
    </tr>
  );
}

function sumRow(grid: Reachability, outcomes: Total[]): NetworkRow {
  const ok = outcomes.reduce((sum, t) => sum + t.ok, 0);
  const failed = outcomes.reduce((sum, t) => sum + t.failed, 0);
  return { key: "all", name: "All networks", history: grid.all, ok, failed, clients: 0, latest: latest(grid.recent), failing: false };
}

function readout(grid: Reachability, row: NetworkRow, column: number): string {
  const from = Date.parse(grid.start) + column * grid.step_seconds * 1000;
  return `${row.name}, ${minuteOrSecond(from, grid.step_seconds)}: ${failedWords(row.history.ok[column] ?? 0, row.history.failed[column] ?? 0)}`;
}

function minuteOrSecond(at: number, stepSeconds: number): string {
  const seconds = new Date(at).getSeconds();
  return stepSeconds % 60 === 0 ? minute(at) : `${minute(at)}:${seconds < 10 ? "0" : ""}${seconds}`;
}
