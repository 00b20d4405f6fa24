import { useState } from "preact/hooks";
import type { Origin, Reachability } from "../../api.gen.ts";
import { clock, count, failedWords, moment, share } from "../../format.ts";
import { now } from "../../live/store.ts";
import { moved, type Cursor } from "../../ui/cursor.ts";
import { Short } from "../../ui/long.tsx";
import { AsTable, More, NumberHead } from "../../ui/parts.tsx";
import { levelOf } from "./level.ts";
import { nameOf, reportsOf } from "./question.ts";

const shownAtFirst = 30;

/** Origins, those with most excess first, and time. A cell leads to its requests. */
export function Grid({ grid, target }: { grid: Reachability; target: string }) {
  const [all, setAll] = useState(false);
  const [cursor, setCursor] = useState<Cursor | undefined>(undefined);
  const rows = all ? grid.origins : grid.origins.slice(0, shownAtFirst);
  const go = (at: Cursor | undefined) => {
    const origin = at && rows[at.row];
    if (at && origin) location.hash = reportsOf(grid, origin, target, at.column, at.column);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Enter") return go(cursor);
    const next = moved(event.key, cursor, rows.length, grid.steps, { row: 0, column: grid.steps - 1 });
    if (next === undefined) return;
    event.preventDefault();
    setCursor(next);
  };
  const at = (event: PointerEvent | MouseEvent) => cursorAt(event, grid.steps);
  if (rows.length === 0) return null;
  return (
    <>
      <p class="readout" aria-live="polite">
        {cursor !== undefined && rows[cursor.row] !== undefined
          ? told(grid, rows[cursor.row]!, cursor.column)
          : "Point at a cell, or use the arrow keys; a click or Enter shows its requests."}
      </p>
      <div
        class="reach-grid"
        tabIndex={0}
        role="application"
        aria-roledescription="grid"
        aria-label="Reachability by origin and time. Arrow keys move from cell to cell, Enter shows the requests of one. The table below says the same."
        onKeyDown={key}
        onPointerMove={(event) => setCursor(at(event))}
        onPointerLeave={() => setCursor(undefined)}
        onClick={(event) => go(at(event))}
        onBlur={() => setCursor(undefined)}
      >
        <Axis grid={grid} />
        {rows.map((origin, i) => (
          <div class="reach-row" key={nameOf(origin) + origin.asn} data-row={i}>
            <span class="reach-name" title={nameOf(origin)}>
              {nameOf(origin)}
            </span>
            <Cells origin={origin} steps={grid.steps} column={cursor?.row === i ? cursor.column : undefined} />
            <span class={origin.recent.failing ? "reach-excess bad-text" : "reach-excess"}>{origin.excess > 0 ? `+${count(origin.excess)}` : "0"}</span>
          </div>
        ))}
      </div>
      <More hidden={grid.origins.length - shownAtFirst} open={all} toggle={() => setAll(!all)} />
    </>
  );
}

function Cells({ origin, steps, column }: { origin: Origin; steps: number; column: number | undefined }) {
  return (
    <span class="reach-cells">
      {Array.from({ length: steps }, (_, i) => (
        <i key={i} class={`level${levelOf(origin.ok[i] ?? 0, origin.failed[i] ?? 0, origin.normal)}${i === column ? " at" : ""}`} />
      ))}
    </span>
  );
}

function Axis({ grid }: { grid: Reachability }) {
  const start = Date.parse(grid.start);
  const end = start + grid.steps * grid.step_seconds * 1000;
  return (
    <div class="reach-row reach-axis muted" aria-hidden="true">
      <span class="reach-name" />
      <span class="axis">
        <span>{moment(start, now.value)}</span>
        <span>{moment((start + end) / 2, now.value)}</span>
        <span>{end >= now.value ? "now" : moment(end, now.value)}</span>
      </span>
      <span class="reach-excess">excess</span>
    </div>
  );
}

function cursorAt(event: PointerEvent | MouseEvent, steps: number): Cursor | undefined {
  const row = (event.target as Element).closest<HTMLElement>(".reach-row");
  const cells = row?.querySelector(".reach-cells")?.getBoundingClientRect();
  if (row?.dataset["row"] === undefined || cells === undefined) return undefined;
  const column = Math.floor(((event.clientX - cells.left) / cells.width) * steps);
  return column < 0 || column >= steps ? undefined : { row: Number(row.dataset["row"]), column };
}

/** "Ridge Mobile, 12:03:00: 35 of 60 failed (58 %), normally 0.4 %". */
export function told(grid: Reachability, origin: Origin, column: number): string {
  const at = Date.parse(grid.start) + column * grid.step_seconds * 1000;
  const { ok, failed } = { ok: origin.ok[column] ?? 0, failed: origin.failed[column] ?? 0 };
  const usual = ok + failed > 0 ? `, normally ${share(origin.normal, 1)}` : "";
  return `${nameOf(origin)}, ${clock(at, now.value)}: ${failedWords(ok, failed)}${usual}`;
}

/** The same as numbers: each origin's sums and its worst column. */
export function GridTable({ grid, target }: { grid: Reachability; target: string }) {
  return (
    <AsTable>
      {() => (
        <table>
          <thead>
            <tr>
              <th scope="col">From</th>
              <NumberHead>Excess</NumberHead>
              <NumberHead>Failed</NumberHead>
              <NumberHead wide>Requests</NumberHead>
              <NumberHead>Share</NumberHead>
              <NumberHead wide>Normally</NumberHead>
              <th scope="col">Worst</th>
            </tr>
          </thead>
          <tbody>
            {grid.origins.map((origin) => (
              <TableRow key={nameOf(origin) + origin.asn} grid={grid} origin={origin} target={target} />
            ))}
          </tbody>
        </table>
      )}
    </AsTable>
  );
}

function TableRow({ grid, origin, target }: { grid: Reachability; origin: Origin; target: string }) {
  const { ok, failed } = sums(origin);
  const worst = worstColumn(origin);
  return (
    <tr>
      <th scope="row" class="anywhere">
        <a href={reportsOf(grid, origin, target, 0, grid.steps - 1)}><Short text={nameOf(origin)} /></a>
      </th>
      <td class="number">{count(origin.excess)}</td>
      <td class="number">{count(failed)}</td>
      <td class="number wide">{count(ok + failed)}</td>
      <td class="number">{share(failed, ok + failed)}</td>
      <td class="number wide">{share(origin.normal, 1)}</td>
      <td>
        {worst === undefined ? "–" : <a href={reportsOf(grid, origin, target, worst, worst)}>{moment(Date.parse(grid.start) + worst * grid.step_seconds * 1000, now.value)}</a>}
      </td>
    </tr>
  );
}

/** The requests of an origin in all columns. */
export function sums(origin: Origin): { ok: number; failed: number } {
  const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
  return { ok: sum(origin.ok), failed: sum(origin.failed) };
}

/** The column with most failures; undefined if nothing failed. */
function worstColumn({ failed }: Origin): number | undefined {
  const most = Math.max(0, ...failed);
  return most > 0 ? failed.indexOf(most) : undefined;
}
