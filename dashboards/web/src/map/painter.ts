// Keeps a canvas up to date with little work: servers that changed, and what a pan uncovers, are
// drawn alone.
import { cellOf } from "./cursor.ts";
import { drawArea, labelArea, reach, type Scene } from "./draw.ts";
import { around, touch, type Area } from "./pixels.ts";

/** Beyond so many servers that changed, everything is drawn anew. */
const mostAlone = 200;

export class Painter {
  #scene: Scene | undefined;
  #view: Area = { x: 0, y: 0, width: 0, height: 0 };

  /** Shows a part of the scene's layout on the whole canvas. */
  paint(canvas: HTMLCanvasElement, scene: Scene, view: Area): void {
    const ctx = canvas.getContext("2d");
    if (ctx === null || view.width === 0 || view.height === 0) return;
    const before = this.#scene;
    const old = this.#view;
    this.#scene = scene;
    this.#view = view;
    if (canvas.width !== view.width || canvas.height !== view.height) {
      canvas.width = view.width;
      canvas.height = view.height;
    } else if (before !== undefined && before.layout === scene.layout && before.theme === scene.theme && before.scale === scene.scale) {
      const changed = scene.cells === before.cells ? [] : scene.cells.changed(before.cells, mostAlone);
      if (changed !== undefined && touch(old, view)) {
        const uncovered = this.#shift(ctx, old, view);
        for (const area of [...uncovered, ...areasOf(scene, changed)]) {
          const part = common(area, view);
          if (part !== undefined) drawArea(ctx, scene, part, view);
        }
        return;
      }
    }
    drawArea(ctx, scene, view, view);
  }

  /** Moves what is drawn to where it is in another view, and returns what is missing there. */
  #shift(ctx: CanvasRenderingContext2D, old: Area, view: Area): Area[] {
    const dx = view.x - old.x;
    const dy = view.y - old.y;
    if (dx === 0 && dy === 0) return [];
    ctx.globalCompositeOperation = "copy";
    ctx.drawImage(ctx.canvas, -dx, -dy);
    ctx.globalCompositeOperation = "source-over";
    const { x, y, width, height } = view;
    const missing: Area[] = [];
    if (dy !== 0) missing.push({ x, width, y: dy > 0 ? y + height - dy : y, height: Math.abs(dy) });
    if (dx !== 0) missing.push({ y, height, x: dx > 0 ? x + width - dx : x, width: Math.abs(dx) });
    return missing;
  }
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

function common(a: Area, b: Area): Area | undefined {
  if (!touch(a, b)) return undefined;
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  return { x, y, width: Math.min(a.x + a.width, b.x + b.width) - x, height: Math.min(a.y + a.height, b.y + b.height) - y };
}
