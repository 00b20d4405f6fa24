import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Cluster, DataCentre, Servers as Groups } from "../../api.gen.ts";
import { clock, count, plural, share, span } from "../../format.ts";
import { now, useSection } from "../../live/store.ts";
import { moveCursor, placeOf as cellPlace, serverAt } from "../../map/cursor.ts";
import { drawCursor } from "../../map/draw.ts";
import { layout } from "../../map/layout.ts";
import { Painter } from "../../map/painter.ts";
import { themeOf } from "../../map/theme.ts";
import { past } from "../../map/past.ts";
import { detailOf, failing, groups, loadFailing, states, tableOpen } from "../../map/servers.ts";
import type { States } from "../../map/states.ts";
import { around, beside, further, nearer, trail, zoomed, type Zoom } from "../../map/zoom.ts";
import { NumberHead, Panel } from "../../ui/parts.tsx";
import { AsOf, Moment } from "./moment.tsx";

/** From so many servers on the map takes the whole width of the page. */
export const manyServers = 5000;

/**
 * From this pitch on, in pixels of the map, a click on a cell shows its server instead of zooming.
 */
const enterFrom = 9;

/**
 * The heat map of servers: data centres, clusters, rows; blue is up, vermillion down,
 * hatched unknown.
 */
export function Servers() {
  const summary = useSection("servers");
  if (summary === undefined) return null;
  if (summary.count === 0) {
    return (
      <Panel id="servers" title="Servers">
        <p class="empty">
          No servers are probed. List them under <code>prober: targets</code> in the configuration.
        </p>
      </Panel>
    );
  }
  const then = past.value;
  const known = then?.groups ?? groups.value;
  const bits = then?.states ?? states.value;
  const told = then?.groups ?? summary;
  const since = groups.value?.kept_since;
  return (
    <Panel id="servers" title="Servers" note={<Key down={told.down} unknown={told.unknown} up={told.up} />}>
      <p class="visually-hidden" aria-live="polite">
        {count(told.up)} up, {count(told.down)} down, {count(told.unknown)} unknown
      </p>
      {since && <Moment since={Date.parse(since)} />}
      <AsOf />
      {known !== undefined && bits !== undefined && known.count === bits.count && (
        <>
          <HeatMap groups={known} states={bits} />
          <Table groups={known} states={bits} />
        </>
      )}
    </Panel>
  );
}

function Key(props: { up: number; down: number; unknown: number }) {
  return (
    <span class="key">
      <i class="swatch up" /> {count(props.up)} up <i class="swatch down" />{" "}
      <span class={props.down > 0 ? "bad-text" : ""}>{count(props.down)} down</span>
      {props.unknown > 0 && (
        <>
          {" "}
          <i class="swatch unknown" /> {count(props.unknown)} unknown
        </>
      )}
    </span>
  );
}

function HeatMap(props: { groups: Groups; states: States }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const painter = useRef(new Painter());
  const [cursor, setCursor] = useState(-1);
  const [zoom, setZoom] = useState<Zoom | undefined>(undefined);
  const all = props.groups.data_centres;
  const shown = useMemo(() => zoomed(all, zoom), [all, zoom]);
  const look = useLook(canvas, props.groups.count);
  const plan = useMemo(() => (look.width === 0 ? undefined : layout(shown, spaceOf(look))), [shown, look]);
  const theme = useMemo(() => (canvas.current === null ? undefined : themeOf(canvas.current)), [look]);

  useLayoutEffect(() => {
    if (canvas.current === null || plan === undefined || theme === undefined) return;
    canvas.current.style.height = `${plan.height / look.density}px`;
    const view = { x: 0, y: 0, width: spaceOf(look).width, height: plan.height };
    painter.current.paint(canvas.current, { layout: plan, cells: props.states, theme, scale: look.scale }, view);
  }, [plan, props.states, theme]);

  useLayoutEffect(() => {
    const ctx = overlay.current?.getContext("2d");
    if (!ctx || plan === undefined || theme === undefined) return;
    ctx.canvas.width = spaceOf(look).width; // clears it, too
    ctx.canvas.height = plan.height;
    ctx.canvas.style.height = `${plan.height / look.density}px`;
    if (cursor >= 0) drawCursor(ctx, plan, cursor, theme, look.scale, { x: 0, y: 0 });
  }, [cursor, plan, theme]);

  const point = (event: PointerEvent) => {
    if (plan === undefined) return;
    setCursor(serverAt(plan, event.offsetX * look.density, event.offsetY * look.density));
  };
  const key = (event: KeyboardEvent) => {
    if (plan === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = cursor < 0 && event.key.startsWith("Arrow") ? 0 : moveCursor(event.key, Math.max(0, cursor), plan, props.states);
    if (next !== undefined) {
      event.preventDefault();
      setCursor(next);
      if (cellPlace(plan, next) === undefined) setZoom(around(all, zoom, next));
    } else if (event.key === "+" && cursor >= 0) {
      setZoom(nearer(all, zoom, cursor) ?? zoom);
    } else if (event.key === "-" || event.key === "Escape") {
      setZoom(further(all, zoom));
    } else if (event.key === "Enter" && cursor >= 0) {
      enter(cursor);
    }
  };
  /** Small cells lead nearer, and others to their server. */
  const enter = (server: number) => {
    const next = plan && plan.pitch < enterFrom * look.scale ? nearer(all, zoom, server) : undefined;
    const name = detailOf(server, past.value?.at)?.name;
    if (next !== undefined) setZoom(next);
    else if (name !== undefined) location.hash = `#/vantages?${new URLSearchParams({ server: name })}`;
  };
  const click = (event: MouseEvent) => {
    const server = plan === undefined ? -1 : serverAt(plan, event.offsetX * look.density, event.offsetY * look.density);
    if (server >= 0) enter(server);
  };
  return (
    <>
      <p class="readout" aria-live="polite">
        {cursor >= 0 ? <Readout index={cursor} groups={props.groups} states={props.states} /> : summaryOf(props.groups, props.states)}
      </p>
      <Trail all={all} zoom={zoom} go={setZoom} />
      <div class="map">
        <canvas ref={canvas} aria-hidden="true" />
        <canvas
          ref={overlay}
          class="map-overlay"
          tabIndex={0}
          role="application"
          aria-roledescription="server map"
          aria-label="Map of servers. Arrow keys move from server to server, page keys from cluster to cluster, N to the next that is down; plus and minus zoom, Enter shows a server."
          onPointerMove={point}
          onPointerDown={point}
          onPointerLeave={() => setCursor(-1)}
          onClick={click}
          onKeyDown={key}
          onBlur={() => setCursor(-1)}
        />
      </div>
    </>
  );
}

/** What is zoomed in on, with the way out and to the parts beside it. */
function Trail({ all, zoom, go }: { all: DataCentre[]; zoom: Zoom | undefined; go: (zoom: Zoom | undefined) => void }) {
  if (zoom === undefined) return null;
  const steps = trail(all, zoom);
  return (
    <nav class="trail" aria-label="Part of the map">
      {steps.map(([name, to], i) =>
        i === steps.length - 1 ? (
          <b key={name}>{name}</b>
        ) : (
          <button key={name} type="button" onClick={() => go(to)}>
            {name}
          </button>
        ),
      )}
      <button type="button" aria-label="The part before" onClick={() => go(beside(all, zoom, -1))}>
        ◂
      </button>
      <button type="button" aria-label="The next part" onClick={() => go(beside(all, zoom, 1))}>
        ▸
      </button>
    </nav>
  );
}

interface Look {
  /** CSS pixels. */
  width: number;
  maxHeight: number;
  /** Device pixels per CSS pixel. */
  density: number;
  /** Device pixels per pixel of the map's own sizes, which grow with the type of the page. */
  scale: number;
  dark: boolean;
}

function spaceOf(look: Look) {
  return { width: Math.floor(look.width * look.density), maxHeight: Math.floor(look.maxHeight * look.density), scale: look.scale };
}

/** The size of the page's type, in CSS pixels, at which the map's sizes are meant. */
const plainType = 14.5;

/**
 * The room for the map, and what it must be drawn anew for: width, sharpness of the screen,
 * dark or light.
 */
function useLook(canvas: { current: HTMLCanvasElement | null }, servers: number): Look {
  const [look, setLook] = useState<Look>({ width: 0, maxHeight: 0, density: 1, scale: 1, dark: false });
  useEffect(() => {
    const parent = canvas.current?.parentElement;
    if (!parent) return;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const measure = () => {
      const width = parent.clientWidth;
      const maxHeight = Math.max(260, Math.min(innerHeight * (servers >= manyServers ? 0.85 : 0.62), width * 1.1));
      const density = devicePixelRatio || 1;
      const type = parseFloat(getComputedStyle(document.documentElement).fontSize) || plainType;
      setLook((before) => {
        const after = { width, maxHeight, density, scale: (density * type) / plainType, dark: dark.matches };
        // Scrolling changes the height of the window on phones a little; that is no reason to
        // lay out anew.
        const same = before.width === width && before.scale === after.scale && before.dark === after.dark;
        return same && Math.abs(before.maxHeight - maxHeight) < 80 ? before : after;
      });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(parent);
    dark.addEventListener("change", measure);
    measure();
    return () => {
      observer.disconnect();
      dark.removeEventListener("change", measure);
    };
  }, [servers]);
  return look;
}

/** Where a server stands, its state, and what clients met there. */
function Readout(props: { index: number; groups: Groups; states: States }) {
  const { index } = props;
  const state = props.states.at(index);
  const server = detailOf(index, past.value?.at);
  const place = placeOf(props.groups, index);
  const met = server?.failed === undefined ? undefined : (server.ok ?? 0) + server.failed;
  return (
    <>
      <b class={state === "down" ? "bad-text" : ""}>{state}</b>
      {server?.since && server.state === state && ` since ${clock(Date.parse(server.since), now.value)}`} · {place.join(" › ")}
      {server && (
        <>
          {" › "}
          <b>{server.name}</b>
          {server.address && ` · ${server.address}`}
        </>
      )}
      {met !== undefined && met > 0 && ` · clients: ${count(server!.failed!)} of ${count(met)} failed (${share(server!.failed!, met)})`}
    </>
  );
}

function placeOf(known: Groups, index: number): string[] {
  const holds = (g: { first: number; count: number }) => index >= g.first && index < g.first + g.count;
  const dc = known.data_centres.find(holds);
  const cluster = dc?.clusters.find(holds);
  const row = cluster?.rows.find(holds);
  return [dc?.region, dc?.name, cluster?.name, row?.name].filter((name): name is string => Boolean(name));
}

const groupsNamed = 3;

/** Where the trouble is, in words: the clusters with the largest part down. */
function summaryOf(known: Groups, bits: States): string {
  const hit = clustersOf(known)
    .map(({ dc, cluster }) => ({ name: label(dc, cluster), down: bits.tally("down", cluster.first, cluster.count), of: cluster.count }))
    .filter((c) => c.down > 0)
    .sort((a, b) => b.down / b.of - a.down / a.of || b.down - a.down);
  if (hit.length === 0) return "Point at a server, or focus the map and use the arrow keys.";
  const named = hit.slice(0, groupsNamed).map((c) => `${c.name} (${count(c.down)} of ${count(c.of)})`);
  const rest = hit.length - named.length;
  return `Down in ${plural(hit.length, "cluster")}: ${named.join(", ")}${rest > 0 ? ` and ${plural(rest, "other")}` : ""}`;
}

function clustersOf(known: Groups): { dc: DataCentre; cluster: Cluster }[] {
  return known.data_centres.flatMap((dc) => dc.clusters.map((cluster) => ({ dc, cluster })));
}

function label(dc: DataCentre, cluster: Cluster): string {
  return [dc.region, dc.name, cluster.name].filter(Boolean).join(" › ") || "unnamed";
}

const tableRows = 100;

/** The same as the map, for those who read rather than look. */
function Table(props: { groups: Groups; states: States }) {
  const open = tableOpen.value;
  return (
    <details class="map-table" open={open} onToggle={(event) => (tableOpen.value = (event.currentTarget as HTMLDetailsElement).open)}>
      <summary>As a table</summary>
      {open && <Clusters {...props} />}
      {open && <Failing />}
    </details>
  );
}

function Clusters(props: { groups: Groups; states: States }) {
  const rows = clustersOf(props.groups).map(({ dc, cluster }) => ({
    dc,
    cluster,
    down: props.states.tally("down", cluster.first, cluster.count),
    unknown: props.states.tally("unknown", cluster.first, cluster.count),
  }));
  rows.sort((a, b) => b.down - a.down || b.unknown - a.unknown || a.cluster.first - b.cluster.first);
  return (
    <table>
      <caption>
        {rows.length > tableRows ? `The ${tableRows} clusters with most servers down, of ${count(rows.length)}` : "Clusters, most servers down first"}
      </caption>
      <thead>
        <tr>
          <th scope="col">Data centre</th>
          <th scope="col">Cluster</th>
          <NumberHead>Servers</NumberHead>
          <NumberHead>Down</NumberHead>
          <NumberHead>Unknown</NumberHead>
        </tr>
      </thead>
      <tbody>
        {rows.slice(0, tableRows).map(({ dc, cluster, down, unknown }) => (
          <tr key={cluster.first}>
            <td>{[dc.region, dc.name].filter(Boolean).join(" › ")}</td>
            <th scope="row">{cluster.name}</th>
            <td class="number">{count(cluster.count)}</td>
            <td class={down > 0 ? "number bad-text" : "number"}>{count(down)}</td>
            <td class="number">{count(unknown)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Failing() {
  const at = past.value?.at;
  const bits = states.value;
  useEffect(() => void loadFailing(at), [at, at === undefined ? bits : undefined]);
  if (failing.value.length === 0) return null;
  return (
    <table>
      <caption>Servers that are down or unknown, the first {count(failing.value.length)}</caption>
      <thead>
        <tr>
          <th scope="col">Server</th>
          <th scope="col">Where</th>
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody>
        {failing.value.map((server) => (
          <tr key={server.index}>
            <th scope="row">{server.name}</th>
            <td>{[server.region, server.data_centre, server.cluster, server.row].filter(Boolean).join(" › ")}</td>
            <td>
              {server.state}
              {server.since && ` for ${span(now.value - Date.parse(server.since))}`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
