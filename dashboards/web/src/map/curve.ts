// A generalised Hilbert curve: a path through all cells of a rectangle of any size, on which
// neighbours of the path are neighbours in the rectangle. It follows Jakub Červený's "gilbert"
// (github.com/jakubcerveny/gilbert, 2018), as the pictures of the API do.

/** Where n servers lie in a rectangle of so many columns: place i is row × columns + column. */
export interface Curve {
  columns: number;
  rows: number;
  /** The place of each server. */
  places: Uint32Array;
  /** The server at each place, -1 where there is none. */
  servers: Int32Array;
}

const known = new Map<string, Curve>();
const mostKnown = 128;

/** The curve of n servers in at most so many columns. */
export function curveOf(n: number, most: number): Curve {
  const columns = Math.max(1, Math.min(Math.ceil(Math.sqrt(1.6 * n)), most));
  const key = `${n} ${columns}`;
  let curve = known.get(key);
  if (curve === undefined) {
    if (known.size >= mostKnown) known.clear();
    known.set(key, (curve = trace(n, columns)));
  }
  return curve;
}

function trace(n: number, columns: number): Curve {
  const rows = Math.ceil(n / columns);
  const curve: Curve = { columns, rows, places: new Uint32Array(n), servers: new Int32Array(columns * rows).fill(-1) };
  let i = 0;
  const visit = (x: number, y: number) => {
    if (i >= n) return;
    const place = y * columns + x;
    curve.places[i] = place;
    curve.servers[place] = i++;
  };
  if (columns >= rows) walk(0, 0, columns, 0, 0, rows, visit);
  else walk(0, 0, 0, rows, columns, 0, visit);
  return curve;
}

/** Walks through the rectangle with a corner at x, y and the edges a and b, mainly along a. */
function walk(x: number, y: number, ax: number, ay: number, bx: number, by: number, visit: (x: number, y: number) => void): void {
  const width = Math.abs(ax + ay);
  const height = Math.abs(bx + by);
  const [sax, say, sbx, sby] = [Math.sign(ax), Math.sign(ay), Math.sign(bx), Math.sign(by)];
  if (height === 1) {
    for (let i = 0; i < width; i++) visit(x + i * sax, y + i * say);
    return;
  }
  if (width === 1) {
    for (let i = 0; i < height; i++) visit(x + i * sbx, y + i * sby);
    return;
  }
  let [hax, hay, hbx, hby] = [Math.trunc(ax / 2), Math.trunc(ay / 2), Math.trunc(bx / 2), Math.trunc(by / 2)];
  if (2 * width > 3 * height) {
    // long: two parts, of which the first has an even length
    if (Math.abs(hax + hay) % 2 !== 0 && width > 2) [hax, hay] = [hax + sax, hay + say];
    walk(x, y, hax, hay, bx, by, visit);
    walk(x + hax, y + hay, ax - hax, ay - hay, bx, by, visit);
    return;
  }
  if (Math.abs(hbx + hby) % 2 !== 0 && height > 2) [hbx, hby] = [hbx + sbx, hby + sby];
  walk(x, y, hbx, hby, hax, hay, visit);
  walk(x + hbx, y + hby, ax, ay, bx - hbx, by - hby, visit);
  walk(x + ax - sax + hbx - sbx, y + ay - say + hby - sby, -hbx, -hby, hax - ax, hay - ay, visit);
}
