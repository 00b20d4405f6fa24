import assert from "node:assert/strict";
import { test } from "node:test";
import type { DataCentre, Incident } from "../src/api.gen.ts";
import { around, beside, further, nameOf, nearer, trail, zoomed, zoomOf } from "../src/map/zoom.ts";
import { elsewhere } from "../src/views/incidents/around.tsx";

const group = (name: string, first: number, count: number) => ({ name, first, count, up: count, down: 0, unknown: 0 });
const cluster = (name: string, first: number, count: number) => ({ ...group(name, first, count), rows: [group("r", first, count)] });
const fleet: DataCentre[] = [
  { ...group("east", 0, 30), region: "eu", clusters: [cluster("web", 0, 20), cluster("db", 20, 10)] },
  { ...group("west", 30, 5), clusters: [cluster("web", 30, 5)] },
];

test("the map is zoomed from all servers over a data centre to a cluster, and back", () => {
  assert.equal(zoomed(fleet, undefined), fleet);
  const east = nearer(fleet, undefined, 25)!;
  assert.deepEqual(east, { level: "data centre", first: 0 });
  assert.deepEqual(zoomed(fleet, east).map((dc) => dc.name), ["east"]);
  const db = nearer(fleet, east, 25)!;
  assert.deepEqual(zoomed(fleet, db)[0]?.clusters.map((c) => c.name), ["db"]);
  assert.equal(zoomed(fleet, db)[0]?.first, 20);
  assert.deepEqual(trail(fleet, db).map(([name]) => name), ["All servers", "eu › east", "db"]);
  assert.equal(nearer(fleet, db, 25), undefined);
  assert.deepEqual(further(fleet, db), east);
  assert.equal(further(fleet, east), undefined);
  assert.equal(nearer(fleet, { level: "data centre", first: 30 }, 31), undefined); // it has one cluster
});

test("the map goes to the part beside, and to the one with a server", () => {
  assert.deepEqual(beside(fleet, { level: "cluster", first: 20 }, 1), { level: "cluster", first: 30 });
  assert.deepEqual(beside(fleet, { level: "cluster", first: 0 }, -1), { level: "cluster", first: 0 });
  assert.deepEqual(around(fleet, { level: "cluster", first: 0 }, 33), { level: "cluster", first: 30 });
  assert.equal(around(fleet, undefined, 33), undefined);
});

test("a topology that changed has no part any more", () => {
  assert.equal(zoomed(fleet, { level: "cluster", first: 7 }), fleet);
  assert.equal(zoomed(fleet, { level: "data centre", first: 99 }), fleet);
});

test("an incident leads to its requests and to reachability then", () => {
  const scope = { networks: [{ asn: 7 }], countries: [], servers: ["a:1", "b:1"], versions: [], systems: [], protocols: ["h2"], statuses: [], collectors: [] };
  const incident = { target: "https://a.test", since: "2026-11-22T10:00:00Z", until: "2026-11-22T11:00:00Z", scope } as unknown as Incident;
  const found = elsewhere(incident, Date.parse("2026-11-22T12:00:00Z"));
  assert.equal(found.explore, "#/explore?since=5400s&until=2026-11-22T11%3A15%3A00.000Z&by=type&target=https%3A%2F%2Fa.test&asn=7&protocol=h2");
  assert.equal(found.reach, "#/reach?since=5400s&until=2026-11-22T11%3A15%3A00.000Z&target=https%3A%2F%2Fa.test");
});

test("a part has a name, by which it is found again", () => {
  for (const [name, zoom] of [["eu/east", { level: "data centre", first: 0 }], ["eu/east/db", { level: "cluster", first: 20 }], ["west", { level: "data centre", first: 30 }]] as const) {
    assert.equal(nameOf(fleet, zoom), name);
    assert.deepEqual(zoomOf(fleet, name), zoom);
  }
  assert.equal(zoomOf(fleet, "eu/gone"), undefined);
  assert.equal(nameOf(fleet, undefined), "");
});
