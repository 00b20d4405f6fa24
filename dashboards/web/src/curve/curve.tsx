import { useState } from "preact/hooks";
import type { Curve as Data } from "../api.gen.ts";
import { clock, count, failedWords, minute, share, span, zone } from "../format.ts";
import { now } from "../live/store.ts";
import { moved } from "../ui/cursor.ts";
import { AsTable, NumberHead } from "../ui/parts.tsx";
import { ratio, shapeOf } from "./shape.ts";

/** How failures developed: a picture with what is normal and the onset, and the same as a table. */
export function Curve({ curve, label }: { curve: Data; label: string }) {
  const [cursor, setCursor] = useState<number | undefined>(undefined);
  const shape = shapeOf(curve);
  const columns = curve.ok.length;
  const at = (column: number) => Date.parse(curve.start) + column * curve.step_seconds * 1000;
  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    setCursor(Math.max(0, Math.min(columns - 1, Math.floor(((event.clientX - box.left) / box.width) * columns))));
  };
  const key = (event: KeyboardEvent) => {
    const next = moved(event.key, cursor === undefined ? undefined : { row: 0, column: cursor }, 1, columns, { row: 0, column: columns - 1 });
    if (next === undefined) return;
    event.preventDefault();
    setCursor(next.column);
  };
  return (
    <div class="curve">
      <p class="scale">
        <span>failed, scale to {Math.round(shape.top * 100)} %</span>
        <span class="key">
          {curve.normal > 0 && (
            <>
              <i class="line normal" /> normally {share(curve.normal, 1)}{" "}
            </>
          )}
          {shape.onset !== undefined && (
            <>
              <i class="line onset" /> onset
            </>
          )}
        </span>
      </p>
      <svg
        viewBox={`0 0 ${columns} 1`}
        preserveAspectRatio="none"
        role="img"
        tabIndex={0}
        aria-label={`${label}. Arrow keys move from column to column.`}
        onPointerMove={point}
        onPointerDown={point}
        onPointerLeave={() => setCursor(undefined)}
        onKeyDown={key}
        onBlur={() => setCursor(undefined)}
      >
        <path class="nothing" d={shape.nothing} />
        <path class="usual" d={shape.usual} />
        <path class="failed" d={shape.failed} />
        {curve.normal > 0 && <line class="normal" x1="0" x2={columns} y1={1 - shape.normal} y2={1 - shape.normal} />}
        {shape.onset !== undefined && <line class="onset" x1={shape.onset} x2={shape.onset} y1="0" y2="1" />}
        {cursor !== undefined && <rect class="cursor" x={cursor} y="0" width="1" height="1" />}
      </svg>
      <p class="axis muted">
        <span>{minute(at(0))}</span>
        <span class="readout" aria-live="polite">
          {cursor === undefined ? `columns of ${span(curve.step_seconds * 1000)}, ${zone(at(0))}${few(curve)}` : told(curve, cursor, at(cursor))}
        </span>
        <span>{at(columns) >= now.value ? "now" : minute(at(columns))}</span>
      </p>
      <Table curve={curve} at={at} />
    </div>
  );
}

function few(curve: Data): string {
  return curve.suppressed > 0 ? `; ${curve.suppressed} of too few clients not shown` : "";
}

function told(curve: Data, column: number, at: number): string {
  return `${clock(at, now.value)}: ${failedWords(curve.ok[column] ?? 0, curve.failed[column] ?? 0)}`;
}

/** The columns in which anything was heard, the newest first. */
function Table({ curve, at }: { curve: Data; at: (column: number) => number }) {
  const heard = curve.ok.map((_, i) => i).filter((i) => ratio(curve, i) !== undefined).reverse();
  return (
    <AsTable class="curve-table">
      {() => (
        <table>
          <thead>
            <tr>
              <th scope="col">From</th>
              <NumberHead>Requests</NumberHead>
              <NumberHead>Failed</NumberHead>
              <NumberHead>Share</NumberHead>
            </tr>
          </thead>
          <tbody>
            {heard.map((i) => (
              <tr key={i}>
                <th scope="row">{clock(at(i), now.value)}</th>
                <td class="number">{count(curve.ok[i]! + curve.failed[i]!)}</td>
                <td class="number">{count(curve.failed[i]!)}</td>
                <td class="number">{share(curve.failed[i]!, curve.ok[i]! + curve.failed[i]!)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </AsTable>
  );
}
