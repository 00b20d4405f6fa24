// Finding servers on the map: by a point of it, and by the keys. All pure.
import type { Layout, Line } from "./layout.ts";
import type { States } from "./states.ts";

/** The server at a point in device pixels, -1 when none is there. */
export function serverAt(layout: Layout, x: number, y: number): number {
  for (const line of layout.lines) {
    if (y < line.y || y >= line.y + layout.pitch || x < line.x) continue;
    const i = Math.floor((x - line.x) / layout.pitch);
    if (i < line.count) return line.first + i;
  }
  return -1;
}

/** The line of a server, found by halving: lines are in the order of the servers. */
export function lineOf(layout: Layout, server: number): Line | undefined {
  let low = 0;
  let high = layout.lines.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const line = layout.lines[middle]!;
    if (server < line.first) high = middle - 1;
    else if (server >= line.first + line.count) low = middle + 1;
    else return line;
  }
  return undefined;
}

/** The upper left corner of a server's cell. */
export function cellOf(layout: Layout, server: number): { x: number; y: number } | undefined {
  const line = lineOf(layout, server);
  return line && { x: line.x + (server - line.first) * layout.pitch, y: line.y };
}

/** Where a key takes the cursor; undefined for keys that are not the map's. */
export function moveCursor(key: string, server: number, layout: Layout, states: States): number | undefined {
  const last = states.count - 1;
  const line = lineOf(layout, server);
  if (line === undefined) return undefined;
  switch (key) {
    case "ArrowRight":
      return Math.min(last, server + 1);
    case "ArrowLeft":
      return Math.max(0, server - 1);
    case "ArrowDown":
      return vertical(layout, line, server, 1);
    case "ArrowUp":
      return vertical(layout, line, server, -1);
    case "Home":
      return line.first;
    case "End":
      return line.first + line.count - 1;
    case "PageDown":
      return clusterStart(layout, server, 1);
    case "PageUp":
      return clusterStart(layout, server, -1);
    case "n":
    case "N":
      return nextDown(server, states);
    default:
      return undefined;
  }
}

function nextDown(server: number, states: States): number {
  const next = states.nextDown(server);
  return next < 0 ? server : next;
}

function vertical(layout: Layout, from: Line, server: number, direction: 1 | -1): number {
  const x = from.x + (server - from.first) * layout.pitch;
  let best = server;
  let least = Infinity;
  for (const line of layout.lines) {
    const dy = (line.y - from.y) * direction;
    if (dy <= 0) continue;
    const column = Math.max(0, Math.min(line.count - 1, Math.round((x - line.x) / layout.pitch)));
    const distance = dy + 2 * Math.abs(line.x + column * layout.pitch - x);
    if (distance < least) {
      least = distance;
      best = line.first + column;
    }
  }
  return best;
}

function clusterStart(layout: Layout, server: number, direction: 1 | -1): number {
  const clusters = layout.boxes.filter((box) => box.level === "cluster");
  const at = clusters.findIndex((box) => server >= box.first && server < box.first + box.count);
  return clusters[Math.max(0, Math.min(clusters.length - 1, at + direction))]?.first ?? server;
}
