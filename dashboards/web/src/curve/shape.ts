// The curve of failures: columns of time, each as high as the part of its requests that failed. It
// is a strip with a scale, so that also a few per cent can be seen.
import type { Curve } from "../api.gen.ts";

export interface Shape {
  /** The part at the top of the scale: 1, .5, .2, .1, .05 or .02. */
  top: number;
  /**
   * SVG path of the columns in which nothing was heard; like all paths in units of columns and of
   * the scale.
   */
  nothing: string;
  /** SVG path of the failed parts of columns before the onset, and of all without one. */
  usual: string;
  /** SVG path of the failed parts from the onset on. */
  failed: string;
  /** Height of what is normal above the bottom, 0 to 1. */
  normal: number;
  /** Where the failures began, in columns; undefined before the first column, or without. */
  onset: number | undefined;
}

const tops = [0.02, 0.05, 0.1, 0.2, 0.5, 1];
const wide = 0.84;
/** Fewer requests than this do not raise the scale. */
const telling = 3;

/** The part of a column's requests that failed; undefined if nothing was heard. */
export function ratio(curve: Curve, column: number): number | undefined {
  const failed = curve.failed[column] ?? 0;
  const all = (curve.ok[column] ?? 0) + failed;
  return all > 0 ? failed / all : undefined;
}

export function shapeOf(curve: Curve): Shape {
  const ratios = curve.ok.map((_, i) => ratio(curve, i));
  const highest = Math.max(curve.normal, ...ratios.map((r, i) => (r !== undefined && curve.ok[i]! + curve.failed[i]! >= telling ? r : 0)));
  const top = tops.find((t) => highest <= t) ?? 1;
  const onset = onsetOf(curve);
  const shape: Shape = { top, nothing: "", usual: "", failed: "", normal: Math.min(1, curve.normal / top), onset };
  ratios.forEach((r, i) => {
    if (r === undefined) {
      shape.nothing += `M${i} 0h1v1h-1z`;
      return;
    }
    const height = Math.min(1, r / top);
    const column = `M${i} ${round(1 - height)}h${wide}V1h-${wide}z`;
    if (height <= 0) return;
    if (onset !== undefined && i + 1 > onset) shape.failed += column;
    else shape.usual += column;
  });
  return shape;
}

function onsetOf(curve: Curve): number | undefined {
  if (curve.onset === undefined) return undefined;
  const column = (Date.parse(curve.onset) - Date.parse(curve.start)) / (1000 * curve.step_seconds);
  return column < 0 ? 0 : round(column);
}

function round(x: number): number {
  return Math.round(x * 1000) / 1000;
}
