// Small parts that several panels share.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { clock, count, share, span, zone } from "../format.ts";
import { now } from "../live/store.ts";
import { Long } from "./long.tsx";

/** The longest title, in characters; the rest is there for those who ask. */
const mostTitle = 240;

export function Panel(props: { id: string; title: string; note?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class={`panel panel-${props.id}`} aria-labelledby={`title-${props.id}`}>
      <div class="panel-head">
        <h2 id={`title-${props.id}`}>
          <Long text={props.title} most={mostTitle} />
        </h2>
        {props.note !== undefined && <p class="note">{props.note}</p>}
      </div>
      {props.children}
    </section>
  );
}

/** "14 s ago", kept up to date. */
export function Ago(props: { at: number }) {
  return <>{span(now.value - props.at)} ago</>;
}

/** "since 12:03:10 UTC+1, 14 s ago". */
export function Since(props: { at: number }) {
  return (
    <time dateTime={new Date(props.at).toISOString()}>
      since {clock(props.at, now.value)} {zone(props.at)}, <Ago at={props.at} />
    </time>
  );
}

/** A horizontal bar, part of whole; the number beside it says the same. */
export function Bar(props: { part: number; whole: number }) {
  const percent = props.whole > 0 ? Math.min(100, (100 * props.part) / props.whole) : 0;
  return (
    <span class="bar" aria-hidden="true">
      <span class="bar-fill" style={{ width: `${percent}%` }} />
    </span>
  );
}

/** The head of a column of numbers; a wide one is left out where there is little room. */
export function NumberHead(props: { wide?: boolean; span?: number; children: ComponentChildren }) {
  return (
    <th scope="col" class={props.wide ? "number wide" : "number"} colSpan={props.span}>
      {props.children}
    </th>
  );
}

/** How many requests failed, as cells: a bar, their number, their share of all, their clients. */
export function FailedCells(props: { failed: number; most: number; all: number; clients: number }) {
  return (
    <>
      <td class="bar-cell">
        <Bar part={props.failed} whole={props.most} />
      </td>
      <td class="number">{count(props.failed)}</td>
      <td class="number">{share(props.failed, props.all)}</td>
      <td class="number">{count(props.clients)}</td>
    </>
  );
}

/** A picture's table, which is made when somebody wants it. */
export function AsTable(props: { class?: string; children: () => ComponentChildren }) {
  const [open, setOpen] = useState(false);
  return (
    <details class={props.class} onToggle={(event) => setOpen((event.currentTarget as HTMLDetailsElement).open)}>
      <summary>As a table</summary>
      {open && props.children()}
    </details>
  );
}

/** Shows the first few of many, and a button for the rest. */
export function More(props: { hidden: number; open: boolean; toggle: () => void }) {
  if (props.hidden <= 0) return null;
  return (
    <button type="button" class="more" aria-expanded={props.open} onClick={props.toggle}>
      {props.open ? "Show fewer" : `Show ${props.hidden} more`}
    </button>
  );
}
