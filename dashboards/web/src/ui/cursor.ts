// A cursor on rows and columns, moved by keys.

export interface Cursor {
  row: number;
  column: number;
}

/** Where a key takes the cursor, which begins at start; undefined for keys that do not move it. */
export function moved(key: string, cursor: Cursor | undefined, rows: number, columns: number, start: Cursor): Cursor | undefined {
  const by: Record<string, [number, number]> = {
    ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -columns], End: [0, columns], PageUp: [-10, 0], PageDown: [10, 0],
  };
  const step = by[key];
  if (step === undefined || (rows === 1 && step[0] !== 0)) return undefined; // the page scrolls
  if (cursor === undefined) return start;
  const within = (n: number, most: number) => Math.max(0, Math.min(most - 1, n));
  return { row: within(cursor.row + step[0], rows), column: within(cursor.column + step[1], columns) };
}
