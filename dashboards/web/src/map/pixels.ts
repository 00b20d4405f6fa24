// Paints the cells of the map into an image, of any part of the map: a part that is painted anew
// has the pixels that it would have if everything were.
import type { Layout, Line } from "./layout.ts";
import { serverIn } from "./cursor.ts";
import type { Cells, Mark } from "./states.ts";
import type { Fill } from "./theme.ts";

/** A part of the layout, in its device pixels. */
export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A cell that stands out. */
export interface Notable {
  x: number;
  y: number;
  mark: Mark;
}

export function touch(a: Area, b: Area): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** What is in both; undefined if nothing is. */
export function common(a: Area, b: Area): Area | undefined {
  if (!touch(a, b)) return undefined;
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  return { x, y, width: Math.min(a.x + a.width, b.x + b.width) - x, height: Math.min(a.y + a.height, b.y + b.height) - y };
}

/** What is around an area, too. */
export function around(area: Area, by: number): Area {
  return { x: area.x - by, y: area.y - by, width: area.width + 2 * by, height: area.height + 2 * by };
}

/**
 * Paints the cells of an area into pixels, a row of the area after the other, and returns those
 * that stand out, among them those that are at most margin beside it.
 */
export function paintCells(pixels: Uint32Array, area: Area, layout: Layout, cells: Cells, fills: Record<Mark, Fill>, stripe: number, margin: number): Notable[] {
  const painter = new CellPainter(pixels, area, layout, cells, fills, stripe);
  const wide = around(area, margin);
  for (const block of layout.blocks) {
    if (!touch(block, wide)) continue;
    for (let i = block.from; i < block.to; i++) {
      const line = layout.lines[i]!;
      if (line.y >= wide.y + wide.height) break;
      if (line.y + layout.pitch > wide.y) painter.line(line, wide);
    }
  }
  return painter.notable;
}

class CellPainter {
  readonly notable: Notable[] = [];
  readonly #size: number;

  constructor(
    private readonly pixels: Uint32Array,
    private readonly area: Area,
    private readonly layout: Layout,
    private readonly cells: Cells,
    private readonly fills: Record<Mark, Fill>,
    private readonly stripe: number,
  ) {
    this.#size = layout.pitch - layout.gap;
  }

  /** Paints the part of a line that is in the area, and notes what stands out in a wider one. */
  line(line: Line, wide: Area): void {
    const { pitch, gap } = this.layout;
    const { area, cells } = this;
    const top = Math.max(line.y, area.y);
    const bottom = Math.min(line.y + this.#size, area.y + area.height);
    const to = Math.min(line.count, Math.ceil((wide.x + wide.width - line.x) / pitch));
    const striped: [number, number, Fill][] = [];
    for (let column = Math.max(0, Math.floor((wide.x - line.x) / pitch)); column < to; ) {
      const server = serverIn(line, column);
      if (server < 0) {
        column++;
        continue;
      }
      const mark = cells.at(server);
      // Without gaps, neighbours of one mark are one rectangle.
      const whole = gap === 0 && line.servers === undefined;
      const end = whole ? column + cells.runEnd(mark, server, server + to - column) - server : column + 1;
      const left = line.x + column * pitch;
      const right = line.x + (end - 1) * pitch + this.#size;
      if (cells.notable.includes(mark)) {
        for (let x = left; x < right; x += pitch) this.notable.push({ x, y: line.y, mark });
      }
      const fill = this.fills[mark];
      if (top < bottom) this.#row(top, left, right, fill.colour);
      if (fill.stripes !== undefined) striped.push([left, right, fill]);
      column = end;
    }
    if (top >= bottom) return;
    this.#repeat(top, bottom, line);
    for (const [left, right, fill] of striped) this.#stripes(top, bottom, left, right, fill);
  }

  /** Fills from left to right in one row of pixels. */
  #row(y: number, left: number, right: number, colour: number): void {
    const start = (y - this.area.y) * this.area.width - this.area.x;
    const from = Math.max(left, this.area.x);
    const to = Math.min(right, this.area.x + this.area.width);
    if (to - from < 8) for (let x = from; x < to; x++) this.pixels[start + x] = colour;
    else this.pixels.fill(colour, start + from, start + to);
  }

  /** Copies the first row of pixels of a line to its others. */
  #repeat(top: number, bottom: number, line: Line): void {
    const { area, pixels } = this;
    const from = Math.max(line.x, area.x) - area.x;
    const to = Math.min(line.x + line.count * this.layout.pitch, area.x + area.width) - area.x;
    const first = (top - area.y) * area.width;
    for (let y = top + 1; y < bottom; y++) pixels.copyWithin((y - area.y) * area.width + from, first + from, first + to);
  }

  /** Diagonal stripes, which go on from cell to cell. */
  #stripes(top: number, bottom: number, left: number, right: number, fill: Fill): void {
    const { area, stripe } = this;
    const from = Math.max(left, area.x);
    const to = Math.min(right, area.x + area.width);
    for (let y = top; y < bottom; y++) {
      const start = (y - area.y) * area.width - area.x;
      for (let x = from; x < to; x++) {
        if ((x + y) % (4 * stripe) < stripe) this.pixels[start + x] = fill.stripes!;
      }
    }
  }
}
