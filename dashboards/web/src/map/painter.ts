// Keeps the picture of the map up to date with little work: servers that changed, and what a pan
// uncovers, are drawn alone. The picture consists of bands, each a canvas, because a browser copies
// the whole of a canvas on which anything was drawn.
import { cellOf } from "./cursor.ts";
import { drawArea, labelArea, reach, type Context, type Scene } from "./draw.ts";
import { around, common, touch, type Area } from "./pixels.ts";

/** Beyond so many servers that changed, everything is drawn anew. */
const mostAlone = 200;

/** Height of a band in device pixels; that of the last is what is left. */
export const bandHeight = 256;

interface Band {
  ctx: Context;
  /** Device pixels below the top of the picture. */
  top: number;
  height: number;
}

/** What is drawn: a part of a scene's layout, with so many device pixels per CSS pixel. */
interface Shown {
  scene: Scene;
  view: Area;
  density: number;
}

export class Painter {
  #bands: Band[] = [];
  #shown: Shown | undefined;

  /** Shows a part of the scene's layout in an element, which gets the size of that part. */
  paint(picture: HTMLElement, scene: Scene, view: Area, density: number): void {
    if (view.width <= 0 || view.height <= 0) return;
    const before = this.#shown;
    this.#shown = { scene, view, density };
    if (before === undefined || before.view.width !== view.width || before.view.height !== view.height || before.density !== density) {
      this.#bands = bandsIn(picture, view, density);
    } else if (sameLook(before.scene, scene) && touch(before.view, view)) {
      const changed = scene.cells === before.scene.cells ? [] : scene.cells.changed(before.scene.cells, mostAlone);
      if (changed !== undefined) {
        for (const area of this.#shift(before.view, view)) this.#draw(area);
        for (const area of areasOf(scene, changed)) this.#draw(area);
        return;
      }
    }
    this.#draw(view);
  }

  /** Draws an area anew on the bands that it touches. */
  #draw(area: Area): void {
    const { scene, view } = this.#shown!;
    for (const { ctx, top, height } of this.#bands) {
      const part = common(area, { x: view.x, y: view.y + top, width: view.width, height });
      if (part !== undefined) drawArea(ctx, scene, part, { x: view.x, y: view.y + top });
    }
  }

  /** Moves what is drawn to where it is in another view, and returns what is missing there. */
  #shift(old: Area, view: Area): Area[] {
    const dx = view.x - old.x;
    const dy = view.y - old.y;
    if (dx === 0 && dy === 0) return [];
    if (Math.abs(dy) > bandHeight) return [view]; // from bands that are not neighbours
    // A band takes from its neighbour what the neighbour has not replaced yet.
    const bands = dy < 0 ? [...this.#bands].reverse() : this.#bands;
    for (const [i, { ctx, top }] of bands.entries()) {
      ctx.globalCompositeOperation = "copy";
      ctx.drawImage(ctx.canvas, -dx, -dy);
      ctx.globalCompositeOperation = "source-over";
      const next = bands[i + 1];
      if (next !== undefined && dy !== 0) ctx.drawImage(next.ctx.canvas, -dx, next.top - top - dy);
    }
    const { x, y, width, height } = view;
    const missing: Area[] = [];
    if (dy !== 0) missing.push({ x, width, y: dy > 0 ? y + height - dy : y, height: Math.abs(dy) });
    if (dx !== 0) missing.push({ y, height, x: dx > 0 ? x + width - dx : x, width: Math.abs(dx) });
    return missing;
  }
}

/** Replaces what is in an element by empty bands, one below the other. */
function bandsIn(picture: HTMLElement, view: Area, density: number): Band[] {
  const bands: Band[] = [];
  picture.replaceChildren();
  for (let top = 0; top < view.height; top += bandHeight) {
    const canvas = document.createElement("canvas");
    const height = Math.min(bandHeight, view.height - top);
    Object.assign(canvas, { width: view.width, height });
    Object.assign(canvas.style, { top: `${top / density}px`, width: `${view.width / density}px`, height: `${height / density}px` });
    picture.append(canvas);
    // Chromium copies the other kind in each frame of the page, also when nothing was drawn on it.
    const ctx = contextOf(canvas);
    if (ctx !== null) bands.push({ ctx, top, height });
  }
  picture.style.height = `${view.height / density}px`;
  return bands;
}

function contextOf(canvas: HTMLCanvasElement): Context | null {
  return "transferControlToOffscreen" in canvas ? canvas.transferControlToOffscreen().getContext("2d") : (canvas as HTMLCanvasElement).getContext("2d");
}

function sameLook(a: Scene, b: Scene): boolean {
  return a.layout === b.layout && a.theme === b.theme && a.scale === b.scale;
}

/**
 * What is to be drawn for servers: their cells, and the names of their groups, which have counts.
 */
function areasOf(scene: Scene, servers: number[]): Area[] {
  const { layout, scale } = scene;
  const size = layout.pitch;
  const areas: Area[] = [];
  for (const server of servers) {
    const cell = cellOf(layout, server);
    if (cell !== undefined) areas.push(around({ ...cell, width: size, height: size }, reach(scene)));
  }
  if (areas.length === 0) return [];
  for (const box of layout.boxes) {
    if (box.labelled && servers.some((i) => i >= box.first && i < box.first + box.count)) areas.push(labelArea(layout, box, scale));
  }
  return areas;
}
