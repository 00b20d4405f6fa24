import assert from "node:assert/strict";
import { test } from "node:test";
import type { DataCentre } from "../src/api.gen.ts";
import { cellOf, frameOf, moveCursor, serverAt } from "../src/map/cursor.ts";
import { layout, type Layout } from "../src/map/layout.ts";
import { firstMinute, minuteMS, step } from "../src/map/past.ts";
import { Difference } from "../src/map/difference.ts";
import { around, paintCells, type Area } from "../src/map/pixels.ts";
import { curveOf } from "../src/map/curve.ts";
import { States, type Cells, type Mark } from "../src/map/states.ts";
import { fillsOf } from "../src/map/theme.ts";

/** Data centres of so many clusters of so many rows of so many servers. */
function fleet(centres: number, clusters: number, rows: number, perRow: number): DataCentre[] {
  let first = 0;
  const group = (name: string, count: number) => ({ name, first, count, up: 0, down: 0, unknown: 0 });
  return Array.from({ length: centres }, (_, d) => ({
    ...group(`dc${d}`, clusters * rows * perRow),
    clusters: Array.from({ length: clusters }, (_, c) => ({
      ...group(`c${c}`, rows * perRow),
      rows: Array.from({ length: rows }, (_, r) => {
        const row = group(`r${r}`, perRow);
        first += perRow;
        return row;
      }),
    })),
  }));
}

function allUp(n: number, ...down: number[]): States {
  const bits = new Uint8Array(Math.ceil(n / 8)).fill(255);
  for (const i of down) bits[i >> 3]! &= ~(1 << (i & 7));
  return new States(n, bits, new Uint8Array(0));
}

/**
 * Checks what must hold of every layout: each server has a cell of its own, inside the map and
 * inside its boxes.
 */
function checkLayout(name: string, l: Layout, n: number): void {
  const cells = new Set<string>();
  for (let i = 0; i < n; i++) {
    const cell = cellOf(l, i);
    assert.ok(cell !== undefined, `${name}: server ${i} has a cell`);
    cells.add(`${cell!.x},${cell!.y}`);
    assert.ok(cell!.x >= 0 && cell!.y >= 0 && cell!.x + l.pitch - l.gap <= l.width && cell!.y + l.pitch - l.gap <= l.height, `${name}: ${i} inside`);
    assert.equal(serverAt(l, cell!.x, cell!.y), i, `${name}: the cell of ${i} is found again`);
  }
  assert.equal(cells.size, n, `${name}: no two servers share a cell`);
  for (const box of l.boxes) {
    for (const i of [box.first, box.first + box.count - 1]) {
      const cell = cellOf(l, i)!;
      assert.ok(cell.x > box.x && cell.x < box.x + box.width && cell.y > box.y && cell.y < box.y + box.height, `${name}: ${i} in ${box.name}`);
    }
  }
}

test("every server has a cell of its own, at every size of fleet and screen", () => {
  const fleets: [string, number, DataCentre[]][] = [
    ["one", 1, fleet(1, 1, 1, 1)],
    ["demo", 10, fleet(2, 1, 1, 5)],
    ["1,000", 1000, fleet(2, 5, 4, 25)],
    ["one long row", 3000, fleet(1, 1, 1, 3000)],
    ["many clusters", 4000, fleet(4, 100, 2, 5)],
  ];
  for (const [name, n, dcs] of fleets) {
    for (const [width, maxHeight, scale] of [[360, 400, 1], [720, 600, 2], [1400, 500, 1]] as const) {
      const l = layout(dcs, { width, maxHeight, scale });
      checkLayout(`${name} at ${width}`, l, n);
      assert.ok(l.width <= width, `${name} at ${width} is not too wide`);
      assert.ok(l.height <= maxHeight, `${name} at ${width} is not too high`);
    }
  }
});

test("regions with a name stand below each other, and hold their data centres", () => {
  const dcs = fleet(5, 2, 2, 10).map((dc, i) => ({ ...dc, region: ["north", "north", "south", "", ""][i]! }));
  for (const width of [360, 1400]) {
    const l = layout(dcs, { width, maxHeight: 600, scale: 1 });
    checkLayout(`regions at ${width}`, l, 200);
    const regions = l.boxes.filter((box) => box.level === "region");
    assert.deepEqual(regions.map((box) => [box.name, box.first, box.count]), [["north", 0, 80], ["south", 80, 40]]);
    assert.ok(regions[0]!.y + regions[0]!.height <= regions[1]!.y, "they do not overlap");
    const centres = l.boxes.filter((box) => box.level === "data centre");
    assert.ok(centres[2]!.y > regions[1]!.y && centres[3]!.y >= regions[1]!.y + regions[1]!.height, "data centres stand in and below them");
  }
});

test("a million servers fit, and are laid out in bounded work", () => {
  const l = layout(fleet(10, 50, 20, 100), { width: 1400, maxHeight: 800, scale: 1 });
  assert.equal(l.lines.length, 10_000);
  assert.ok(l.width <= 1400);
  assert.deepEqual(cellOf(l, 999_999) !== undefined, true);
});

test("an empty fleet is an empty map", () => {
  const l = layout([], { width: 400, maxHeight: 300, scale: 1 });
  assert.equal(l.lines.length, 0);
  assert.equal(serverAt(l, 0, 0), -1);
});

test("keys move the cursor", () => {
  const l = layout(fleet(2, 2, 2, 4), { width: 1000, maxHeight: 600, scale: 1 });
  const states = allUp(32, 0, 21);
  const moves: [string, number, number | undefined][] = [
    ["ArrowRight", 0, 1], ["ArrowLeft", 0, 0], ["ArrowRight", 31, 31], ["ArrowDown", 1, 5], ["ArrowUp", 5, 1], ["ArrowUp", 1, 1],
    ["Home", 6, 4], ["End", 4, 7], ["PageDown", 1, 8], ["PageUp", 9, 0], ["n", 3, 21], ["n", 21, 0], ["Tab", 3, undefined],
  ];
  for (const [key, from, want] of moves) assert.equal(moveCursor(key, from, l, states), want, `${key} from ${from}`);
  assert.equal(moveCursor("n", 3, l, allUp(32)), 3, "n without any down");
});

test("the frame is around the cell, and is seen around tiny ones, too", () => {
  for (const [n, maxHeight, scale] of [[5, 600, 1], [5, 600, 2], [5000, 200, 2]] as const) {
    const l = layout(fleet(1, 2, 2, n), { width: 1000, maxHeight, scale });
    const [cell, frame] = [cellOf(l, n)!, frameOf(l, n, scale)!];
    const inner = l.pitch - l.gap;
    assert.ok(frame.width >= 9 * scale && frame.width >= inner + 4 * scale && frame.width === frame.height);
    assert.deepEqual([frame.x + frame.width / 2, frame.y + frame.height / 2], [cell.x + inner / 2, cell.y + inner / 2], "about its middle");
  }
  assert.equal(frameOf(layout([], { width: 400, maxHeight: 300, scale: 1 }), 0, 1), undefined);
});

test("states read both bit strings, the lowest bit of byte 0 first", () => {
  const states = new States(10, new Uint8Array([0b0000_0101, 0b10]), new Uint8Array([0b1000_0000, 0]));
  assert.deepEqual([0, 1, 2, 7, 8, 9, 10].map((i) => states.at(i)), ["up", "down", "up", "unknown", "down", "up", "unknown"]);
  assert.equal(states.tally("down", 0, 10), 6);
  assert.equal(new States(20, new Uint8Array([255]), new Uint8Array(0)).at(9), "unknown", "bits of an older, smaller fleet");
});

test("the time of the map goes by minutes, from the first frame to the present", () => {
  const since = Date.parse("2026-11-30T10:00:30Z");
  const now = Date.parse("2026-11-30T12:00:30Z");
  const at = (text: string) => Date.parse(`2026-11-30T${text}Z`);
  assert.equal(firstMinute(since), at("10:01:00"));
  const steps: [number | undefined, number, number | undefined][] = [
    [undefined, -1, at("11:59:00")], [undefined, -60, at("11:00:00")], [at("11:00:00"), 1, at("11:01:00")],
    [at("10:30:00"), -60, at("10:01:00")], [at("11:59:00"), 1, undefined], [at("11:30:00"), 60, undefined], [undefined, 60, undefined],
  ];
  for (const [from, by, want] of steps) assert.equal(step(from, by, since, now), want, `${from} by ${by}`);
  assert.equal(minuteMS, 60_000);
});

test("whole bytes are counted and searched as single servers are", () => {
  let seed = 7;
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
  for (const part of [0.02, 0.5, 0.98]) {
    const n = 1003;
    const bits = () => Uint8Array.from({ length: Math.ceil(n / 8) }, () => [...Array(8).keys()].reduce((byte, bit) => byte | (random() < part ? 1 << bit : 0), 0));
    const states = new States(n, bits(), bits());
    for (const state of ["up", "down", "unknown"] as const) {
      for (let round = 0; round < 40; round++) {
        const first = Math.floor(random() * n);
        const end = first + Math.floor(random() * (n - first));
        const is = (i: number) => states.at(i) === state;
        const range = Array.from({ length: end - first }, (_, i) => first + i);
        assert.equal(states.tally(state, first, end - first), range.filter(is).length);
        assert.equal(states.find(state, first, end), range.find(is) ?? end);
        assert.equal(states.runEnd(state, first, end), range.find((i) => !is(i)) ?? end);
      }
    }
    const down = Array.from({ length: n }, (_, i) => i).filter((i) => states.at(i) === "down");
    assert.equal(states.nextDown(n - 1), down[0] ?? -1);
    assert.equal(states.nextDown(down.at(-1) ?? 0), down[0] ?? -1);
  }
  assert.equal(allUp(9).nextDown(3), -1);
});

/** Repeatable numbers from 0 to 1. */
function dice(seed: number): () => number {
  return () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
}

function randomStates(n: number, random: () => number, unknown = 0.05): States {
  const up = new Uint8Array(Math.ceil(n / 8));
  const dark = new Uint8Array(up.length);
  for (let i = 0; i < n; i++) {
    if (random() < 0.9) up[i >> 3]! |= 1 << (i & 7);
    if (random() < unknown) dark[i >> 3]! |= 1 << (i & 7);
  }
  return new States(n, up, dark);
}

test("a curve goes through all cells of a rectangle, from neighbour to neighbour", () => {
  for (const [n, most] of [[1, 9], [2, 9], [7, 3], [100, 100], [1000, 17], [12_345, 5000]] as const) {
    const curve = curveOf(n, most);
    assert.ok(curve.columns <= most && curve.columns * curve.rows >= n, `${n} fit`);
    assert.equal(new Set(curve.places).size, n, `${n} have places of their own`);
    let steps = 0;
    for (let i = 0; i < n; i++) {
      assert.equal(curve.servers[curve.places[i]!], i);
      const [a, b] = [curve.places[i]!, curve.places[Math.max(0, i - 1)]!];
      const far = Math.abs((a % curve.columns) - (b % curve.columns)) + Math.abs(Math.floor(a / curve.columns) - Math.floor(b / curve.columns));
      if (far > 1) steps++;
    }
    assert.ok(steps <= 1, `${n}: ${steps} steps are not to a neighbour; at most one is diagonal`);
  }
});

test("along a curve, too, every server has a cell of its own, and keys go to the cells beside", () => {
  for (const [width, maxHeight, scale] of [[360, 400, 1], [1400, 500, 2]] as const) {
    const l = layout(fleet(3, 5, 4, 25), { width, maxHeight, scale, order: "hilbert" });
    checkLayout(`curve at ${width}`, l, 1500);
    assert.ok(l.width <= width && l.height <= maxHeight);
    const states = allUp(1500, 1200);
    for (const [key, dx, dy] of [["ArrowRight", 1, 0], ["ArrowLeft", -1, 0], ["ArrowDown", 0, 1], ["ArrowUp", 0, -1]] as const) {
      const from = cellOf(l, 100)!;
      const to = cellOf(l, moveCursor(key, 100, l, states)!)!;
      const stays = to.x === from.x && to.y === from.y;
      if (dx !== 0) assert.ok(stays || to.x - from.x === dx * l.pitch, key);
      else assert.ok(stays || (to.y - from.y) * dy > 0, key);
    }
    assert.equal(moveCursor("PageDown", 100, l, states), 500, "the next data centre");
    assert.equal(moveCursor("n", 100, l, states), 1200);
  }
});

test("a part that is painted alone has the pixels that it has in the whole", () => {
  const random = dice(3);
  const colour = "#123456";
  const theme = { up: "#0072b2", down: "#d55e00", unknown: "#8b9196", background: "#fcfcfa", border: "#d6d7d2", text: colour, muted: colour, font: "" };
  for (const order of ["rows", "hilbert"] as const) {
    for (const [n, height] of [[60, 700], [6000, 300], [6000, 60]] as const) {
      const l = layout(fleet(2, 3, 10, n / 60), { width: 700, maxHeight: height, scale: 1, order });
      const [then, now] = [randomStates(n, random), randomStates(n, random)];
      for (const cells of [now, new Difference(then, now)] as Cells[]) {
        const fills = fillsOf(theme, cells instanceof Difference);
        const paint = (area: Area): { pixels: Uint32Array; notable: number } => {
          const pixels = new Uint32Array(area.width * area.height);
          return { pixels, notable: paintCells(pixels, area, l, cells, fills, 1, 4).length };
        };
        const whole = paint({ x: 0, y: 0, width: l.width, height: l.height });
        assert.ok(whole.notable > 0 && new Set(whole.pixels).size > 3, `${order} ${n}: something is painted`);
        for (let round = 0; round < 20; round++) {
          const at = { x: Math.floor(random() * l.width), y: Math.floor(random() * l.height) };
          const area = { ...at, width: 1 + Math.floor(random() * (l.width - at.x)), height: 1 + Math.floor(random() * (l.height - at.y)) };
          const { pixels } = paint(area);
          for (let y = 0; y < area.height; y++) {
            const want = whole.pixels.subarray((area.y + y) * l.width + area.x, (area.y + y) * l.width + area.x + area.width);
            assert.deepEqual(pixels.subarray(y * area.width, (y + 1) * area.width), want, `${order} ${n}: row ${y} of ${JSON.stringify(area)}`);
          }
        }
      }
    }
  }
  assert.deepEqual(around({ x: 5, y: 6, width: 2, height: 3 }, 1), { x: 4, y: 5, width: 4, height: 5 });
});

test("what changed is found, unless it is too much; changes that are told are those that are found", () => {
  const before = allUp(1000, 5, 600);
  assert.deepEqual(allUp(1000, 5, 601).changed(before, 10), [600, 601]);
  assert.deepEqual(before.changed(before, 10), []);
  assert.equal(allUp(1000, ...Array(50).keys()).changed(before, 10), undefined);
  assert.equal(allUp(900).changed(before, 10), undefined, "of another fleet");
  const after = before.with({ up: [5], down: [7, 999], unknown: [8, 600] });
  assert.deepEqual([5, 7, 8, 600, 999, 6].map((i) => after.at(i)), ["up", "down", "unknown", "unknown", "down", "up"]);
  assert.deepEqual(after.changed(before, 10)!.sort((a, b) => a - b), [5, 7, 8, 600, 999]);
  assert.deepEqual([5, 8].map((i) => before.at(i)), ["down", "up"], "the old ones stay");
  assert.equal(after.with({ down: [8] }).at(8), "down");
});

test("a difference says what failed, recovered and stayed down, as single servers do", () => {
  const random = dice(11);
  const n = 1003;
  const [then, now] = [randomStates(n, random), randomStates(n, random)];
  const d = new Difference(then, now);
  const want = (i: number): Mark => {
    if (now.at(i) === "down") return then.at(i) === "down" ? "still down" : "failed";
    return now.at(i) === "up" && then.at(i) === "down" ? "recovered" : now.at(i);
  };
  for (const mark of ["up", "unknown", ...d.notable] as const) {
    for (let round = 0; round < 30; round++) {
      const first = Math.floor(random() * n);
      const end = first + Math.floor(random() * (n - first));
      const range = Array.from({ length: end - first }, (_, i) => first + i);
      assert.equal(d.tally(mark, first, end - first), range.filter((i) => want(i) === mark).length);
      assert.equal(d.find(mark, first, end), range.find((i) => want(i) === mark) ?? end);
      assert.equal(d.runEnd(mark, first, end), range.find((i) => want(i) !== mark) ?? end);
    }
  }
  const later = new Difference(then, now.with({ down: [3], up: [4] }));
  assert.ok(later.changed(d, 10)!.every((i) => i === 3 || i === 4));
  assert.equal(later.changed(new Difference(now, now), 10), undefined, "of another time");
  assert.equal(new Difference(now, now).nextDown(0), now.nextDown(0));
});
