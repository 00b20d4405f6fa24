// Draws the laid out servers on a canvas, in device pixels.
import type { Box, Layout, Line } from "./layout.ts";
import type { ServerState } from "../api.gen.ts";
import type { States } from "./states.ts";
import { cellOf } from "./cursor.ts";
import { count } from "../format.ts";

export interface Theme {
  up: string;
  down: string;
  unknown: string;
  background: string;
  border: string;
  text: string;
  muted: string;
  font: string;
}

/** The colours of the page, which follow the reader's preference for dark or light. */
export function themeOf(element: Element): Theme {
  const style = getComputedStyle(element);
  const value = (name: string) => style.getPropertyValue(name).trim();
  return {
    up: value("--up"),
    down: value("--down"),
    unknown: value("--unknown"),
    background: value("--bg"),
    border: value("--line"),
    text: value("--text"),
    muted: value("--muted"),
    font: style.fontFamily,
  };
}

/**
 * Pitch from which a cell that is down has a cross in it, and the least size of one that is down,
 * in pixels before scale.
 */
const crossedFrom = 10;
const leastMark = 3;

/** Draws everything but the cursor. */
export function draw(ctx: CanvasRenderingContext2D, layout: Layout, states: States, theme: Theme, scale: number): void {
  ctx.clearRect(0, 0, ctx.canvas.width, ctx.canvas.height);
  const paint = {
    up: theme.up,
    down: theme.down,
    unknown: hatching(ctx, theme, scale) ?? theme.unknown,
  };
  drawCells(ctx, layout, layout.lines, states, theme, paint, scale);
  ctx.font = `${Math.round(11 * scale)}px ${theme.font}`;
  ctx.textBaseline = "middle";
  for (const box of layout.boxes) drawBox(ctx, layout, box, states, theme, scale);
  ctx.fillStyle = theme.muted;
  ctx.textAlign = "right";
  for (const label of layout.rowLabels) ctx.fillText(label.name, label.x - 5 * scale, label.y);
}

type Paint = Record<ServerState, string | CanvasPattern>;

function drawCells(ctx: CanvasRenderingContext2D, layout: Layout, lines: Line[], states: States, theme: Theme, paint: Paint, scale: number): void {
  for (const line of lines) drawLine(ctx, layout, line, states, paint);
  if (layout.pitch >= crossedFrom * scale) crossDown(ctx, layout, lines, states, theme, scale);
  if (layout.pitch < leastMark * scale) markDown(ctx, layout, lines, states, theme, Math.round(leastMark * scale));
}

/** Draws a frame around the cell of one server. */
export function drawCursor(ctx: CanvasRenderingContext2D, layout: Layout, server: number, theme: Theme, scale: number): void {
  const cell = cellOf(layout, server);
  if (cell === undefined) return;
  const size = Math.max(layout.pitch - layout.gap, 5 * scale);
  const shift = (layout.pitch - layout.gap - size) / 2;
  const frame = (width: number, colour: string) => {
    ctx.lineWidth = width;
    ctx.strokeStyle = colour;
    ctx.strokeRect(cell.x + shift - scale, cell.y + shift - scale, size + 2 * scale, size + 2 * scale);
  };
  frame(4 * scale, theme.background);
  frame(2 * scale, theme.text);
}

function drawLine(ctx: CanvasRenderingContext2D, layout: Layout, line: Line, states: States, paint: Paint): void {
  const size = layout.pitch - layout.gap;
  let start = 0;
  while (start < line.count) {
    const state = states.at(line.first + start);
    // Without gaps, neighbours of one state are one rectangle.
    const end = layout.gap === 0 ? states.runEnd(state, line.first + start, line.first + line.count) - line.first : start + 1;
    ctx.fillStyle = paint[state];
    ctx.fillRect(line.x + start * layout.pitch, line.y, (end - start - 1) * layout.pitch + size, size);
    start = end;
  }
}

/** A cross in each cell that is down, for readers who cannot tell the colours apart. */
function crossDown(ctx: CanvasRenderingContext2D, layout: Layout, lines: Line[], states: States, theme: Theme, scale: number): void {
  const size = layout.pitch - layout.gap;
  const inset = Math.round(size * 0.3);
  ctx.beginPath();
  for (const line of lines) {
    for (const i of downs(states, line)) {
      const x = line.x + i * layout.pitch;
      ctx.moveTo(x + inset, line.y + inset);
      ctx.lineTo(x + size - inset, line.y + size - inset);
      ctx.moveTo(x + size - inset, line.y + inset);
      ctx.lineTo(x + inset, line.y + size - inset);
    }
  }
  ctx.lineWidth = Math.max(1, 1.5 * scale);
  ctx.strokeStyle = theme.background;
  ctx.stroke();
}

/** Cells too small to be seen alone are drawn larger, over their neighbours, when they are down. */
function markDown(ctx: CanvasRenderingContext2D, layout: Layout, lines: Line[], states: States, theme: Theme, size: number): void {
  const shift = Math.floor((size - layout.pitch) / 2);
  ctx.fillStyle = theme.down;
  for (const line of lines) {
    for (const i of downs(states, line)) ctx.fillRect(line.x + i * layout.pitch - shift, line.y - shift, size, size);
  }
}

/** Where in a line servers are down. */
function* downs(states: States, line: Line): Generator<number> {
  const end = line.first + line.count;
  for (let i = states.find("down", line.first, end); i < end; i = states.find("down", i + 1, end)) yield i - line.first;
}

function drawBox(ctx: CanvasRenderingContext2D, layout: Layout, box: Box, states: States, theme: Theme, scale: number): void {
  const line = Math.max(1, Math.round(scale));
  ctx.lineWidth = line;
  ctx.strokeStyle = theme.border;
  if (box.level === "region") {
    ctx.fillStyle = theme.muted;
    ctx.fillRect(box.x, box.y + layout.labelHeight + line, box.width, line);
  } else if (box.level === "data centre" || layout.pitch > 1) {
    ctx.strokeRect(box.x + line / 2, box.y + line / 2, box.width - line, box.height - line);
  }
  if (!box.labelled) return;
  const down = states.tally("down", box.first, box.count);
  const y = box.y + layout.labelHeight / 2 + 2 * scale;
  const inset = box.level === "region" ? 0 : 6 * scale;
  const left = box.x + inset;
  const right = box.x + box.width - inset;
  const note = down > 0 ? `${count(down)} down` : "";
  const noteWidth = ctx.measureText(note).width;
  ctx.textAlign = "left";
  ctx.fillStyle = box.level === "cluster" ? theme.muted : theme.text;
  const shown = fitted(ctx, box.name, right - left);
  ctx.fillText(shown, left, y);
  if (note === "" || ctx.measureText(shown).width + noteWidth + 8 * scale > right - left) return;
  ctx.textAlign = "right";
  ctx.fillStyle = theme.down;
  ctx.fillText(note, right, y);
}

function fitted(ctx: CanvasRenderingContext2D, text: string, width: number): string {
  if (ctx.measureText(text).width <= width) return text;
  for (let n = text.length - 1; n > 1; n--) {
    const cut = `${text.slice(0, n)}…`;
    if (ctx.measureText(cut).width <= width) return cut;
  }
  return "";
}

/** Diagonal stripes: nothing is known of this server. */
function hatching(ctx: CanvasRenderingContext2D, theme: Theme, scale: number): CanvasPattern | null {
  const side = Math.max(3, Math.round(4 * scale));
  const tile = document.createElement("canvas");
  tile.width = tile.height = side;
  const t = tile.getContext("2d");
  if (t === null) return null;
  t.fillStyle = theme.border;
  t.fillRect(0, 0, side, side);
  t.strokeStyle = theme.unknown;
  t.lineWidth = Math.max(1, scale);
  t.beginPath();
  for (const shift of [-side, 0, side]) {
    t.moveTo(shift, side);
    t.lineTo(shift + side, 0);
  }
  t.stroke();
  return ctx.createPattern(tile, "repeat");
}
