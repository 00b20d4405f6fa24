// The heat map: its picture, a frame on it for the server that is pointed at, and what to do
// with both.
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { DataCentre, Servers as Groups } from "../../api.gen.ts";
import { clock, count, share } from "../../format.ts";
import { now } from "../../live/store.ts";
import { mapAddress, showMap } from "../../map/address.ts";
import { cellOf, frameOf, moveCursor, placeOf as cellPlace, serverAt } from "../../map/cursor.ts";
import { Painter } from "../../map/painter.ts";
import { detailOf } from "../../map/servers.ts";
import type { Cells } from "../../map/states.ts";
import { themeOf } from "../../map/theme.ts";
import { around, beside, further, nameOf, nearer, trail, zoomed, zoomOf, type Zoom } from "../../map/zoom.ts";
import { useGestures } from "./gestures.ts";
import { useLens, type Lens } from "./lens.ts";
import { useLook, type Look } from "./look.ts";
import { Table } from "./maptable.tsx";
import { Tools } from "./maptools.tsx";
import { placeOf, summaryOf } from "./words.ts";

/**
 * From this pitch on, in pixels of the map, a click on a cell shows its server instead of zooming.
 */
const enterFrom = 9;

/** Cells in which a server was found have this size, in CSS pixels. */
const foundCell = 14;

/** How much larger or smaller one key or button makes the cells. */
const stepFactor = 1.5;

interface MapProps {
  groups: Groups;
  cells: Cells;
  /** Time that the cells are of, Unix ms; undefined for now. */
  at: number | undefined;
}

/** The map, and the same as a table. */
export function MapView(props: MapProps) {
  return (
    <>
      <HeatMap {...props} />
      <Table {...props} />
    </>
  );
}

function HeatMap(props: MapProps) {
  const { cells, at } = props;
  const picture = useRef<HTMLDivElement>(null);
  const overlay = useRef<HTMLDivElement>(null);
  const painter = useRef(new Painter());
  const [cursor, setCursor] = useState(-1);
  const all = props.groups.data_centres;
  const part = mapAddress.value.part;
  const zoom = useMemo(() => zoomOf(all, part), [all, part]);
  const shown = useMemo(() => zoomed(all, zoom), [all, zoom]);
  const look = useLook(picture, props.groups.count);
  const theme = useMemo(() => (picture.current === null ? undefined : themeOf(picture.current)), [look]);
  const lens = useLens(shown, look);
  const setZoom = (to: Zoom | undefined) => showMap({ part: nameOf(all, to), cell: undefined, near: undefined }, true);

  useLayoutEffect(() => {
    if (picture.current === null || lens === undefined || theme === undefined) return;
    painter.current.paint(picture.current, { layout: lens.plan, cells, theme, scale: look.scale }, lens.view, look.density);
  }, [lens?.plan, lens?.view.x, lens?.view.y, cells, theme]);

  const serverOf = (event: MouseEvent) =>
    lens === undefined ? -1 : serverAt(lens.plan, lens.view.x + event.offsetX * look.density, lens.view.y + event.offsetY * look.density);
  const { gestures, dragged } = useGestures(lens, look.density, (event) => setCursor(serverOf(event)));

  /** Makes cells larger or smaller about the cursor, or about the middle. */
  const resize = (factor: number) => {
    if (lens === undefined) return;
    const cell = cursor < 0 ? undefined : cellOf(lens.plan, cursor);
    const middle = { x: lens.view.x + lens.view.width / 2, y: lens.view.y + lens.view.height / 2 };
    const { x, y } = cell ?? middle;
    lens.zoomAt(x - lens.view.x, y - lens.view.y, factor);
  };
  const key = (event: KeyboardEvent) => {
    if (lens === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = cursor < 0 && event.key.startsWith("Arrow") ? (shown[0]?.first ?? 0) : moveCursor(event.key, Math.max(shown[0]?.first ?? 0, cursor), lens.plan, cells);
    if (next !== undefined) {
      event.preventDefault();
      setCursor(next);
      if (cellPlace(lens.plan, next) === undefined) setZoom(around(all, zoom, next));
      else lens.reveal(next);
    } else if (event.key === "+" && cursor >= 0) {
      setZoom(nearer(all, zoom, cursor) ?? zoom);
    } else if (event.key === "-" || event.key === "Escape") {
      if (lens.magnified) showMap({ cell: undefined, near: undefined });
      else setZoom(further(all, zoom));
    } else if (event.key === "z" || event.key === "Z") {
      resize(event.key === "z" ? stepFactor : 1 / stepFactor);
    } else if (event.key === "Enter" && cursor >= 0) {
      enter(cursor);
    }
  };
  /** Small cells lead nearer, and others to their server. */
  const enter = (server: number) => {
    const next = lens && lens.plan.pitch < enterFrom * look.scale ? nearer(all, zoom, server) : undefined;
    const name = detailOf(server, at)?.name;
    if (next !== undefined) setZoom(next);
    else if (name !== undefined) location.hash = `#/vantages?${new URLSearchParams({ server: name })}`;
  };
  const click = (event: MouseEvent) => {
    const server = dragged() ? -1 : serverOf(event);
    if (server >= 0) enter(server);
  };
  /** Shows a server that was found, in cells that can be told apart. */
  const go = (server: number) => {
    const small = lens !== undefined && lens.plan.pitch < enterFrom * look.scale;
    showMap({ part: "", ...(small || part !== "" ? { cell: foundCell, near: server } : {}) }, true);
    lens?.reveal(server);
    overlay.current?.focus();
    setCursor(server);
  };
  return (
    <>
      <p class="readout" aria-live="polite">
        {cursor >= 0 ? <Readout index={cursor} groups={props.groups} cells={cells} at={at} /> : <Summary groups={props.groups} cells={cells} />}
      </p>
      <Tools sizes={{ larger: lens?.canGrow ? () => resize(stepFactor) : undefined, smaller: lens?.magnified ? () => resize(1 / stepFactor) : undefined }} go={go} />
      <Trail all={all} zoom={zoom} go={setZoom} />
      <div class={lens?.magnified ? "map magnified" : "map"}>
        <div ref={picture} class="map-picture" aria-hidden="true" />
        <div
          ref={overlay}
          class="map-overlay"
          tabIndex={0}
          role="application"
          aria-roledescription="server map"
          aria-label="Map of servers. Arrow keys move from server to server, page keys from cluster to cluster, N to the next that is down; plus and minus zoom, Z and shift Z make cells larger and smaller, Enter shows a server."
          {...gestures}
          onPointerLeave={() => setCursor(-1)}
          onClick={click}
          onKeyDown={key}
          onBlur={() => setCursor(-1)}
        >
          <Frame server={cursor} lens={lens} look={look} />
        </div>
      </div>
    </>
  );
}

/** The frame around the cell of a server. */
function Frame({ server, lens, look }: { server: number; lens: Lens | undefined; look: Look }) {
  const frame = lens && server >= 0 ? frameOf(lens.plan, server, look.scale) : undefined;
  if (lens === undefined || frame === undefined) return null;
  const px = (device: number) => `${device / look.density}px`;
  return <div class="map-frame" style={{ left: px(frame.x - lens.view.x), top: px(frame.y - lens.view.y), width: px(frame.width), height: px(frame.height) }} />;
}

/** Where the trouble is. Going through all servers takes longer than moving what is seen. */
function Summary({ groups, cells }: { groups: Groups; cells: Cells }) {
  return <>{useMemo(() => summaryOf(groups, cells), [groups, cells])}</>;
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

/** Where a server stands, its state, and what clients met there. */
function Readout(props: { index: number; groups: Groups; cells: Cells; at: number | undefined }) {
  const { index, cells } = props;
  const mark = cells.at(index);
  const server = detailOf(index, props.at);
  const place = placeOf(props.groups, index);
  const met = server?.failed === undefined ? undefined : (server.ok ?? 0) + server.failed;
  const bad = mark === "down" || mark === "failed" || mark === "still down";
  return (
    <>
      <b class={bad ? "bad-text" : ""}>{mark}</b>
      {server?.since && server.state === mark && ` since ${clock(Date.parse(server.since), now.value)}`} · {place.join(" › ")}
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
