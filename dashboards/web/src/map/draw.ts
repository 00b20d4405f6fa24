// Draws parts of the laid out servers on a canvas, in device pixels.
import type { Box, Layout } from "./layout.ts";
import type { Cells, Mark } from "./states.ts";
import { count } from "../format.ts";
import { paintCells, touch, type Area, type Notable } from "./pixels.ts";
import { fillsOf, type Theme } from "./theme.ts";

/** What is drawn on. */
export type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

export interface Scene {
  layout: Layout;
  cells: Cells;
  theme: Theme;
  /** Device pixels per pixel of the sizes named here. */
  scale: number;
}

/**
 * Pitch from which a cell that stands out has a sign in it, and the least size of one, in pixels
 * before scale.
 */
const signedFrom = 10;
const leastMark = 3;

/** How far what stands out may reach beyond its cell. */
export function reach({ layout, scale }: Scene): number {
  return layout.pitch < leastMark * scale ? Math.ceil((leastMark + 1) * scale) : 0;
}

/** Draws an area anew, of a canvas that shows the layout from a point on. */
export function drawArea(ctx: Context, scene: Scene, area: Area, from: { x: number; y: number }): void {
  const { layout, cells, theme, scale } = scene;
  const image = ctx.createImageData(area.width, area.height);
  const fills = fillsOf(theme, cells.notable.length > 1);
  const notable = paintCells(new Uint32Array(image.data.buffer), area, layout, cells, fills, Math.max(1, Math.round(scale)), reach(scene));
  ctx.putImageData(image, area.x - from.x, area.y - from.y);
  ctx.save();
  ctx.translate(-from.x, -from.y);
  ctx.beginPath();
  ctx.rect(area.x, area.y, area.width, area.height);
  ctx.clip();
  if (layout.pitch >= signedFrom * scale) drawSigns(ctx, scene, notable);
  if (layout.pitch < leastMark * scale) drawMarks(ctx, scene, notable);
  ctx.font = `${Math.round(11 * scale)}px ${theme.font}`;
  ctx.textBaseline = "middle";
  for (const box of layout.boxes) if (touch(box, area)) drawBox(ctx, scene, box, area);
  ctx.fillStyle = theme.muted;
  ctx.textAlign = "right";
  for (const label of layout.rowLabels) {
    if (Math.abs(label.y - area.y - area.height / 2) < area.height / 2 + layout.labelHeight) ctx.fillText(label.name, label.x - 5 * scale, label.y);
  }
  ctx.restore();
}

/**
 * A cross in what is down and a plus in what has recovered, for readers who cannot tell the
 * colours apart.
 */
function drawSigns(ctx: Context, { layout, theme, scale }: Scene, notable: Notable[]): void {
  const size = layout.pitch - layout.gap;
  const inset = Math.round(size * 0.3);
  const middle = size / 2;
  ctx.beginPath();
  for (const { x, y, mark } of notable) {
    if (mark === "recovered") {
      ctx.moveTo(x + middle, y + inset);
      ctx.lineTo(x + middle, y + size - inset);
      ctx.moveTo(x + inset, y + middle);
      ctx.lineTo(x + size - inset, y + middle);
    } else if (mark !== "still down") {
      ctx.moveTo(x + inset, y + inset);
      ctx.lineTo(x + size - inset, y + size - inset);
      ctx.moveTo(x + size - inset, y + inset);
      ctx.lineTo(x + inset, y + size - inset);
    }
  }
  ctx.lineWidth = Math.max(1, 1.5 * scale);
  ctx.strokeStyle = theme.background;
  ctx.stroke();
}

/**
 * Cells too small to be seen alone are drawn larger, over their neighbours, when they changed or
 * are down: squares, and plus signs for what has recovered. What stayed down is no news.
 */
function drawMarks(ctx: Context, { layout, theme, scale }: Scene, notable: Notable[]): void {
  const size = Math.round(leastMark * scale);
  const shift = Math.floor((size - layout.pitch) / 2);
  const part = (mark: Mark, colour: string, paint: (x: number, y: number) => void) => {
    ctx.fillStyle = colour;
    for (const cell of notable) if (cell.mark === mark) paint(cell.x - shift, cell.y - shift);
  };
  const square = (x: number, y: number) => ctx.fillRect(x, y, size, size);
  const hole = Math.max(1, Math.floor(size / 3));
  part("recovered", theme.up, (x, y) => {
    ctx.fillRect(x - hole, y + hole, size + 2 * hole, size - 2 * hole);
    ctx.fillRect(x + hole, y - hole, size - 2 * hole, size + 2 * hole);
  });
  part("down", theme.down, square);
  part("failed", theme.down, square);
}

/** Where the name of a box stands. */
export function labelArea(layout: Layout, box: Box, scale: number): Area {
  return { x: box.x, y: box.y, width: box.width, height: layout.labelHeight + Math.round(4 * scale) };
}

function drawBox(ctx: Context, scene: Scene, box: Box, area: Area): void {
  const { layout, theme, scale } = scene;
  const line = Math.max(1, Math.round(scale));
  ctx.lineWidth = line;
  ctx.strokeStyle = theme.border;
  if (box.level === "region") {
    ctx.fillStyle = theme.muted;
    ctx.fillRect(box.x, box.y + layout.labelHeight + line, box.width, line);
  } else if (box.level === "data centre" || layout.pitch > 1) {
    ctx.strokeRect(box.x + line / 2, box.y + line / 2, box.width - line, box.height - line);
  }
  if (box.labelled && touch(labelArea(layout, box, scale), area)) drawLabel(ctx, scene, box);
}

function drawLabel(ctx: Context, { layout, cells, theme, scale }: Scene, box: Box): void {
  const y = box.y + layout.labelHeight / 2 + 2 * scale;
  const inset = box.level === "region" ? 0 : 6 * scale;
  const left = box.x + inset;
  const right = box.x + box.width - inset;
  ctx.textAlign = "left";
  ctx.fillStyle = box.level === "cluster" ? theme.muted : theme.text;
  const shown = fitted(ctx, box.name, right - left);
  ctx.fillText(shown, left, y);
  const room = right - left - ctx.measureText(shown).width - 8 * scale;
  const notes = cells.notable.map((mark) => ({ mark, n: cells.tally(mark, box.first, box.count) })).filter((note) => note.n > 0);
  for (let n = notes.length; n > 0; n--) {
    const text = notes.slice(0, n).map((note) => `${count(note.n)} ${note.mark}`).join(", ");
    if (ctx.measureText(text).width > room) continue;
    ctx.textAlign = "right";
    ctx.fillStyle = notes[0]!.mark === "recovered" ? theme.text : theme.down;
    ctx.fillText(text, right, y);
    return;
  }
}

function fitted(ctx: Context, text: string, width: number): string {
  if (ctx.measureText(text).width <= width) return text;
  for (let n = text.length - 1; n > 1; n--) {
    const cut = `${text.slice(0, n)}…`;
    if (ctx.measureText(cut).width <= width) return cut;
  }
  return "";
}
