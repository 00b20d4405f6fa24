// Where every server of the heat map lies: regions hold data centres, these hold clusters, clusters
// hold rows, rows hold servers, in order; or servers lie along a Hilbert curve through each data
// centre. Boxes go from left to right and wrap. All lengths are whole device pixels, so that every
// edge is sharp.
import type { Cluster, DataCentre } from "../api.gen.ts";
import { curveOf, type Curve } from "./curve.ts";

/** A line of cells; a row of servers that is too long takes several. */
export interface Line {
  x: number;
  y: number;
  first: number;
  count: number;
  /** By column, how many servers after the first it is, -1 for none; without it by the column. */
  servers?: Int32Array;
}

/** Lines that lie together: those of a cluster, or those of a curve. */
export interface Block {
  x: number;
  y: number;
  width: number;
  height: number;
  /** Its lines are those from this index on, and before the other. */
  from: number;
  to: number;
  /** Of a curve: its first server, and where they lie. */
  first: number;
  curve?: Curve;
}

export interface Box {
  level: "region" | "data centre" | "cluster";
  name: string;
  x: number;
  y: number;
  width: number;
  height: number;
  first: number;
  count: number;
  labelled: boolean;
}

export interface RowLabel {
  name: string;
  x: number;
  y: number;
}

export interface Layout {
  /** From one cell's edge to the next one's. */
  pitch: number;
  /** Space between cells, part of the pitch. */
  gap: number;
  width: number;
  height: number;
  lines: Line[];
  blocks: Block[];
  boxes: Box[];
  rowLabels: RowLabel[];
  /** Data centres stand side by side in so many columns. */
  columns: number;
  /** Height of a label's line. */
  labelHeight: number;
  /** Some row that could stay whole takes several lines. */
  folded: boolean;
}

export interface Space {
  width: number;
  /** The layout takes the largest cells with which it is not higher than this. */
  maxHeight: number;
  /**
   * Device pixels per pixel of the sizes named here, for sharp screens and for wall screens with
   * large type.
   */
  scale: number;
  order?: Order;
}

/** How the servers of a data centre lie. */
export type Order = "rows" | "hilbert";

interface Style {
  pitch: number;
  gap: number;
  rowGap: number;
  pad: number;
  margin: number;
  labelHeight: number;
  clusterLabels: boolean;
  rowLabelWidth: number;
  order: Order;
}

// Pitches, in pixels before scale.
export const largestPitch = 28;
const comfortablePitch = 9; // above it, cells rather shrink than that a row takes two lines
const rowLabelsFrom = 12;
const clusterLabelsFrom = 3;

/** A row of so many servers is never folded, if there is room. */
const wholeRow = 64;

/** Data centres may stand side by side in so many columns. */
const mostColumns = 4;

/**
 * Lays out the data centres. If even the smallest cells do not fit, the result is higher
 * than asked.
 */
export function layout(dataCentres: DataCentre[], space: Space): Layout {
  if (space.order === "hilbert") return bestFit(dataCentres, space, false);
  const labelled = bestFit(dataCentres, space, true);
  if (labelled.height <= space.maxHeight && labelled.pitch >= clusterLabelsFrom * space.scale) return labelled;
  const bare = bestFit(dataCentres, space, false);
  return labelled.height <= space.maxHeight && labelled.pitch >= bare.pitch ? labelled : bare;
}

/**
 * Lays out the same with cells of a pitch, and about as much wider and higher as they are larger.
 */
export function enlarged(dataCentres: DataCentre[], fit: Layout, space: Space, pitch: number): Layout {
  const style = styleOf(dataCentres, pitch, space, pitch >= clusterLabelsFrom * space.scale);
  return arrange(dataCentres, Math.ceil((space.width * pitch) / fit.pitch), fit.columns, style);
}

/** The layout with the largest cells, over the numbers of columns; the lowest of those. */
function bestFit(dataCentres: DataCentre[], space: Space, clusterLabels: boolean): Layout {
  let best = largestFit(dataCentres, space, 1, clusterLabels);
  for (let columns = 2; columns <= Math.min(mostColumns, dataCentres.length); columns++) {
    const trial = largestFit(dataCentres, space, columns, clusterLabels);
    if (trial.width > space.width) continue;
    if (trial.pitch > best.pitch || (trial.pitch === best.pitch && trial.height < best.height)) best = trial;
  }
  return best;
}

function largestFit(dataCentres: DataCentre[], space: Space, columns: number, clusterLabels: boolean): Layout {
  const arranged = (pitch: number) => arrange(dataCentres, space.width, columns, styleOf(dataCentres, pitch, space, clusterLabels));
  const comfortable = Math.round(comfortablePitch * space.scale);
  let low = 1;
  let high = Math.round(largestPitch * space.scale);
  let best = arranged(low);
  if (best.height > space.maxHeight) return best;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const trial = arranged(middle);
    const fits = trial.height <= space.maxHeight && trial.width <= space.width;
    if (fits && !(trial.folded && middle > comfortable)) {
      low = middle;
      best = trial;
    } else {
      high = middle - 1;
    }
  }
  return best;
}

function styleOf(dataCentres: DataCentre[], pitch: number, { scale, order = "rows" }: Space, clusterLabels: boolean): Style {
  const roomy = pitch >= 4 * scale;
  const px = (css: number) => Math.max(1, Math.round(css * scale));
  return {
    pitch,
    gap: pitch >= 4 ? Math.max(1, Math.round(pitch * 0.12)) : 0,
    rowGap: roomy ? Math.max(px(2), Math.round(pitch * 0.2)) : pitch >= 3 * scale ? px(1) : 0,
    pad: roomy ? px(6) : px(3),
    margin: roomy ? px(8) : px(3),
    labelHeight: px(17),
    clusterLabels,
    rowLabelWidth: order === "rows" && pitch >= rowLabelsFrom * scale ? rowLabelWidth(dataCentres, px) : 0,
    order,
  };
}

/**
 * Room for the longest row name; 0 when they are too long to show, or when no cluster has rows to
 * tell apart.
 */
function rowLabelWidth(dataCentres: DataCentre[], px: (css: number) => number): number {
  let longest = 0;
  for (const dc of dataCentres) {
    for (const cluster of dc.clusters) {
      if (cluster.rows.length < 2) continue;
      for (const row of cluster.rows) longest = Math.max(longest, row.name.length);
    }
  }
  return longest === 0 || longest > 8 ? 0 : longest * px(6.5) + px(6);
}

function arrange(dataCentres: DataCentre[], width: number, columns: number, style: Style): Layout {
  const out: Layout = {
    pitch: style.pitch, gap: style.gap, width: 0, height: 0,
    lines: [], blocks: [], boxes: [], rowLabels: [], columns, labelHeight: style.labelHeight, folded: false,
  };
  const columnWidth = Math.floor((width - (columns - 1) * style.margin) / columns);
  for (const region of regionsOf(dataCentres)) {
    const box = regionBox(region, out.height === 0 ? 0 : out.height + style.margin);
    if (box.labelled) out.boxes.push(box);
    const shelf = new Shelf(0, box.y + (box.labelled ? style.labelHeight + style.margin : 0), width, style.margin);
    for (const dc of region) {
      // Placed at the origin first, because where it goes depends on its size.
      const from = marksOf(out);
      const inner = placeDataCentre(out, dc, columnWidth, style);
      const at = shelf.place(inner.width, inner.height);
      move(out, from, at.x, at.y);
    }
    box.width = width;
    box.height = shelf.usedHeight - box.y;
    out.width = Math.max(out.width, shelf.usedWidth);
    out.height = shelf.usedHeight;
  }
  return out;
}

/** The data centres by region, in order. */
function regionsOf(dataCentres: DataCentre[]): DataCentre[][] {
  const regions: DataCentre[][] = [];
  for (const dc of dataCentres) {
    const last = regions.at(-1);
    if (last !== undefined && last[0]!.region === dc.region) last.push(dc);
    else regions.push([dc]);
  }
  return regions;
}

/** A region's box, which has no size yet. Only one with a name is shown. */
function regionBox(dataCentres: DataCentre[], y: number): Box {
  const { region, first } = dataCentres[0]!;
  return {
    level: "region", name: region ?? "", x: 0, y, width: 0, height: 0,
    first, count: dataCentres.reduce((n, dc) => n + dc.count, 0), labelled: Boolean(region),
  };
}

function placeDataCentre(out: Layout, dc: DataCentre, width: number, style: Style): Box {
  const box: Box = {
    level: "data centre", name: dc.name, x: 0, y: 0, width: 0, height: 0, first: dc.first, count: dc.count, labelled: true,
  };
  out.boxes.push(box);
  const top = style.labelHeight + style.pad;
  if (style.order === "hilbert") {
    const block = placeCurve(out, dc, width - 2 * style.pad, top, style);
    box.width = Math.max(block.width + 2 * style.pad, Math.min(width, labelWidth(dc.name, style)));
    box.height = top + block.height + style.pad;
    return box;
  }
  const shelf = new Shelf(style.pad, top, width - 2 * style.pad, style.margin);
  for (const cluster of dc.clusters) {
    const from = marksOf(out);
    const inner = placeCluster(out, cluster, width - 2 * style.pad, style);
    const at = shelf.place(inner.width, inner.height);
    move(out, from, at.x, at.y);
  }
  box.width = Math.max(shelf.usedWidth + style.pad, Math.min(width, labelWidth(dc.name, style)));
  box.height = shelf.usedHeight + style.pad;
  return box;
}

/** Places the servers of a data centre along a curve. */
function placeCurve(out: Layout, dc: DataCentre, width: number, top: number, style: Style): Block {
  const curve = curveOf(dc.count, Math.floor(width / style.pitch));
  const from = out.lines.length;
  for (let row = 0; row < curve.rows; row++) {
    const servers = curve.servers.subarray(row * curve.columns, (row + 1) * curve.columns);
    out.lines.push({ x: style.pad, y: top + row * style.pitch, first: dc.first, count: curve.columns, servers });
  }
  const block: Block = {
    x: style.pad, y: top, width: curve.columns * style.pitch - style.gap, height: curve.rows * style.pitch - style.gap,
    from, to: out.lines.length, first: dc.first, curve,
  };
  out.blocks.push(block);
  return block;
}

function placeCluster(out: Layout, cluster: Cluster, width: number, style: Style): Box {
  const box: Box = {
    level: "cluster", name: cluster.name, x: 0, y: 0, width: 0, height: 0,
    first: cluster.first, count: cluster.count, labelled: style.clusterLabels,
  };
  out.boxes.push(box);
  const left = style.pad + style.rowLabelWidth;
  const per = cellsPerLine(cluster, width - left - style.pad, style.pitch);
  const longest = longestRow(cluster);
  if (per < longest && longest <= wholeRow) out.folded = true;
  const top = style.pad + (style.clusterLabels ? style.labelHeight : 0);
  const from = out.lines.length;
  let y = top;
  for (const row of cluster.rows) {
    if (style.rowLabelWidth > 0) out.rowLabels.push({ name: row.name, x: left, y: y + style.pitch / 2 });
    for (let done = 0; done < row.count; done += per) {
      out.lines.push({ x: left, y, first: row.first + done, count: Math.min(per, row.count - done) });
      y += style.pitch;
    }
    y += style.rowGap;
  }
  box.width = left + Math.min(per, longest) * style.pitch - style.gap + style.pad;
  box.height = y - style.rowGap - style.gap + style.pad;
  out.blocks.push({ x: left, y: top, width: box.width - left - style.pad, height: box.height - top - style.pad, from, to: out.lines.length, first: cluster.first });
  if (style.clusterLabels) box.width = Math.max(box.width, Math.min(width, labelWidth(cluster.name, style)));
  return box;
}

/**
 * Rows lie whole in a line if they can; very long ones are folded, into lines of about one length.
 */
function cellsPerLine(cluster: Cluster, width: number, pitch: number): number {
  const longest = longestRow(cluster);
  const most = Math.max(1, Math.min(Math.max(wholeRow, Math.ceil(Math.sqrt(8 * cluster.count))), Math.floor(width / pitch)));
  return longest <= most ? longest : Math.ceil(longest / Math.ceil(longest / most));
}

function longestRow(cluster: Cluster): number {
  return cluster.rows.reduce((n, row) => Math.max(n, row.count), 1);
}

/** Room for the name, and in roomy layouts for a count of what is down beside it. */
function labelWidth(name: string, style: Style): number {
  const letters = Math.min(name.length, 12) + (style.rowLabelWidth > 0 ? 9 : 0);
  return style.pad * 2 + letters * Math.round(style.labelHeight * 0.4);
}

/** How much of a layout there is. */
interface Marks {
  lines: number;
  blocks: number;
  boxes: number;
  labels: number;
}

function marksOf(out: Layout): Marks {
  return { lines: out.lines.length, blocks: out.blocks.length, boxes: out.boxes.length, labels: out.rowLabels.length };
}

/** Moves what was placed since. */
function move(out: Layout, from: Marks, dx: number, dy: number): void {
  if (dx === 0 && dy === 0) return;
  const lists: [{ x: number; y: number }[], number][] = [[out.lines, from.lines], [out.blocks, from.blocks], [out.boxes, from.boxes], [out.rowLabels, from.labels]];
  for (const [list, start] of lists) {
    for (let i = start; i < list.length; i++) {
      list[i]!.x += dx;
      list[i]!.y += dy;
    }
  }
}

/** Shelf places boxes from left to right and starts a new line below when one does not fit. */
class Shelf {
  usedWidth: number;
  usedHeight: number;
  #x: number;
  #y: number;

  constructor(
    private readonly left: number,
    top: number,
    private readonly width: number,
    private readonly margin: number,
  ) {
    this.#x = left;
    this.#y = top;
    this.usedWidth = left;
    this.usedHeight = top;
  }

  place(width: number, height: number): { x: number; y: number } {
    if (this.#x > this.left && this.#x + width > this.left + this.width) {
      this.#x = this.left;
      this.#y = this.usedHeight + this.margin;
    }
    const at = { x: this.#x, y: this.#y };
    this.#x += width + this.margin;
    this.usedWidth = Math.max(this.usedWidth, at.x + width);
    this.usedHeight = Math.max(this.usedHeight, at.y + height);
    return at;
  }
}
