import assert from "node:assert/strict";
import { test } from "node:test";
import type { DataCentre } from "../src/api.gen.ts";
import { cellOf, moveCursor, serverAt } from "../src/map/cursor.ts";
import { layout, type Layout } from "../src/map/layout.ts";
import { firstMinute, minuteMS, step } from "../src/map/past.ts";
import { States } from "../src/map/states.ts";

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
