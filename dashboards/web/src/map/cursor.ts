// Finding servers on the map: by a point of it, and by the keys. All pure.
import type { Layout, Line } from "./layout.ts";
import type { Area } from "./pixels.ts";

/** The server in a column of a line, -1 where there is none. */
export function serverIn(line: Line, column: number): number {
  if (line.servers === undefined) return line.first + column;
  const nth = line.servers[column] ?? -1;
  return nth < 0 ? -1 : line.first + nth;
}

/** The server at a point in device pixels of the layout, -1 when none is there. */
export function serverAt(layout: Layout, x: number, y: number): number {
  for (const block of layout.blocks) {
    if (x < block.x || y < block.y || x >= block.x + block.width + layout.gap || y >= block.y + block.height + layout.gap) continue;
    for (let i = block.from; i < block.to; i++) {
      const line = layout.lines[i]!;
      if (y < line.y || y >= line.y + layout.pitch) continue;
      const column = Math.floor((x - line.x) / layout.pitch);
      if (column >= 0 && column < line.count) return serverIn(line, column);
    }
  }
  return -1;
}

/** The server nearest to a point, -1 when there are none. */
export function serverNear(layout: Layout, x: number, y: number): number {
  let best = -1;
  let least = Infinity;
  for (const line of layout.lines) {
    const column = Math.max(0, Math.min(line.count - 1, Math.floor((x - line.x) / layout.pitch)));
    const distance = Math.abs(line.y + layout.pitch / 2 - y) + Math.abs(line.x + (column + 0.5) * layout.pitch - x);
    const server = distance < least ? serverIn(line, column) : -1;
    if (server >= 0) [best, least] = [server, distance];
  }
  return best;
}

/** Where a server lies: its line and column. */
export interface Place {
  line: Line;
  column: number;
}

/** The place of a server; lines without a curve are in the order of the servers. */
export function placeOf(layout: Layout, server: number): Place | undefined {
  const [block] = layout.blocks;
  if (block?.curve !== undefined) return placeOnCurve(layout, server);
  let low = 0;
  let high = layout.lines.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const line = layout.lines[middle]!;
    if (server < line.first) high = middle - 1;
    else if (server >= line.first + line.count) low = middle + 1;
    else return { line, column: server - line.first };
  }
  return undefined;
}

function placeOnCurve(layout: Layout, server: number): Place | undefined {
  const block = layout.blocks.find((b) => server >= b.first && server < b.first + b.curve!.places.length);
  if (block?.curve === undefined) return undefined;
  const place = block.curve.places[server - block.first]!;
  const row = Math.floor(place / block.curve.columns);
  return { line: layout.lines[block.from + row]!, column: place - row * block.curve.columns };
}

/** The upper left corner of a server's cell. */
export function cellOf(layout: Layout, server: number): { x: number; y: number } | undefined {
  const place = placeOf(layout, server);
  return place && { x: place.line.x + place.column * layout.pitch, y: place.line.y };
}

/** The least size of a frame around a cell, in pixels before scale, and how far it is from it. */
const leastFrame = 5;
const frameSpace = 2;

/** The frame around the cell of a server, in device pixels of the layout. */
export function frameOf(layout: Layout, server: number, scale: number): Area | undefined {
  const cell = cellOf(layout, server);
  if (cell === undefined) return undefined;
  const inner = layout.pitch - layout.gap;
  const size = Math.max(inner, leastFrame * scale) + 2 * frameSpace * scale;
  const shift = (inner - size) / 2;
  return { x: cell.x + shift, y: cell.y + shift, width: size, height: size };
}

/** What the keys need to know of the servers' states. */
export interface Trouble {
  count: number;
  /** The next server after i that is down, going round; -1 when none is. */
  nextDown(i: number): number;
}

/** Where a key takes the cursor; undefined for keys that are not the map's. */
export function moveCursor(key: string, server: number, layout: Layout, trouble: Trouble): number | undefined {
  const place = placeOf(layout, server);
  if (place === undefined) return undefined;
  switch (key) {
    case "ArrowRight":
      return beside(place, server, 1, trouble.count);
    case "ArrowLeft":
      return beside(place, server, -1, trouble.count);
    case "ArrowDown":
      return vertical(layout, place, server, 1);
    case "ArrowUp":
      return vertical(layout, place, server, -1);
    case "Home":
      return endOf(place.line, 0, 1);
    case "End":
      return endOf(place.line, place.line.count - 1, -1);
    case "PageDown":
      return clusterStart(layout, server, 1);
    case "PageUp":
      return clusterStart(layout, server, -1);
    case "n":
    case "N": {
      const next = trouble.nextDown(server);
      return next < 0 ? server : next;
    }
    default:
      return undefined;
  }
}

/** The cell beside it on a curve, else the server before or after it. */
function beside({ line, column }: Place, server: number, by: 1 | -1, count: number): number {
  if (line.servers === undefined) return Math.max(0, Math.min(count - 1, server + by));
  const next = serverIn(line, column + by);
  return next < 0 ? server : next;
}

/** The first server of a line from a column on. */
function endOf(line: Line, column: number, by: 1 | -1): number {
  while (serverIn(line, column) < 0) column += by;
  return serverIn(line, column);
}

function vertical(layout: Layout, from: Place, server: number, direction: 1 | -1): number {
  const x = from.line.x + from.column * layout.pitch;
  let best = server;
  let least = Infinity;
  for (const line of layout.lines) {
    const dy = (line.y - from.line.y) * direction;
    if (dy <= 0) continue;
    const column = Math.max(0, Math.min(line.count - 1, Math.round((x - line.x) / layout.pitch)));
    const distance = dy + 2 * Math.abs(line.x + column * layout.pitch - x);
    if (distance < least && serverIn(line, column) >= 0) {
      least = distance;
      best = serverIn(line, column);
    }
  }
  return best;
}

/** The first server of the cluster before or after; along a curve, of the data centre. */
function clusterStart(layout: Layout, server: number, direction: 1 | -1): number {
  const level = layout.blocks[0]?.curve === undefined ? "cluster" : "data centre";
  const groups = layout.boxes.filter((box) => box.level === level);
  const at = groups.findIndex((box) => server >= box.first && server < box.first + box.count);
  return groups[Math.max(0, Math.min(groups.length - 1, at + direction))]?.first ?? server;
}
