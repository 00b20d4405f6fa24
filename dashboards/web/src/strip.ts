// A row of a status history: columns of time, each as blue as it answered and as vermillion, from
// the bottom up, as it failed. So a failure shows by size as well as by colour.

export interface Strip {
  /**
   * SVG path of the columns in which anything was heard; each is one unit high and, with the gap
   * after it, wide.
   */
  heard: string;
  /** SVG path of their failed parts. */
  failed: string;
}

/**
 * Smallest failed part that is drawn, and the least height it is drawn with: what is normal must
 * not make noise.
 */
const leastShare = 0.02;
const leastHeight = 0.15;

/** What a column takes of its unit; the rest is gap. */
const wide = 0.84;

export function strip(ok: number[], failed: number[]): Strip {
  let heard = "";
  let bad = "";
  const n = Math.max(ok.length, failed.length);
  for (let i = 0; i < n; i++) {
    const f = failed[i] ?? 0;
    const all = (ok[i] ?? 0) + f;
    if (all <= 0) continue;
    heard += `M${i} 0h${wide}v1h-${wide}z`;
    const part = f / all;
    if (part < leastShare) continue;
    const height = Math.max(leastHeight, part);
    bad += `M${i} ${round(1 - height)}h${wide}V1h-${wide}z`;
  }
  return { heard, failed: bad };
}

function round(x: number): number {
  return Math.round(x * 1000) / 1000;
}
