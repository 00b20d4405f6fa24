// A part of the map: a data centre or a cluster, laid out alone, so that its cells are larger.
import type { DataCentre } from "../api.gen.ts";

export interface Zoom {
  level: "data centre" | "cluster";
  /** Index of its first server. */
  first: number;
}

/** The groups that are shown; all without a zoom, or if there is no such group any more. */
export function zoomed(all: DataCentre[], zoom: Zoom | undefined): DataCentre[] {
  if (zoom === undefined) return all;
  const centre = centreOf(all, zoom.first);
  if (centre === undefined) return all;
  if (zoom.level === "data centre") return [centre];
  const clusters = centre.clusters.filter((cluster) => cluster.first === zoom.first);
  const [cluster] = clusters;
  return cluster === undefined ? all : [{ ...centre, first: cluster.first, count: cluster.count, clusters }];
}

/** One level nearer to a server; undefined if it cannot be nearer. */
export function nearer(all: DataCentre[], zoom: Zoom | undefined, server: number): Zoom | undefined {
  const centre = centreOf(all, server);
  if (centre === undefined || zoom?.level === "cluster") return undefined;
  if (zoom === undefined && all.length > 1) return { level: "data centre", first: centre.first };
  const cluster = centre.clusters.find((c) => server >= c.first && server < c.first + c.count);
  return cluster === undefined || centre.clusters.length === 1 ? undefined : { level: "cluster", first: cluster.first };
}

/** One level further away; undefined is all. */
export function further(all: DataCentre[], zoom: Zoom | undefined): Zoom | undefined {
  const centre = zoom?.level === "cluster" ? centreOf(all, zoom.first) : undefined;
  return centre === undefined || all.length === 1 ? undefined : { level: "data centre", first: centre.first };
}

/** The part of the same level that a server is in. */
export function around(all: DataCentre[], zoom: Zoom | undefined, server: number): Zoom | undefined {
  const centre = centreOf(all, server);
  if (zoom === undefined || centre === undefined) return undefined;
  if (zoom.level === "data centre") return { level: "data centre", first: centre.first };
  const cluster = centre.clusters.find((c) => server >= c.first && server < c.first + c.count);
  return cluster && { level: "cluster", first: cluster.first };
}

/** The part beside it: the next, or with -1 the one before; itself at the end. */
export function beside(all: DataCentre[], zoom: Zoom, by: 1 | -1): Zoom {
  const firsts = zoom.level === "data centre" ? all.map((dc) => dc.first) : all.flatMap((dc) => dc.clusters.map((c) => c.first));
  const at = firsts.indexOf(zoom.first);
  const first = firsts[at + by];
  return at < 0 || first === undefined ? zoom : { ...zoom, first };
}

/** What is shown, from the outside in: "All servers", "east", "web". */
export function trail(all: DataCentre[], zoom: Zoom | undefined): [string, Zoom | undefined][] {
  const steps: [string, Zoom | undefined][] = [["All servers", undefined]];
  const centre = zoom && centreOf(all, zoom.first);
  if (zoom === undefined || centre === undefined) return steps;
  if (all.length > 1) steps.push([[centre.region, centre.name].filter(Boolean).join(" › "), { level: "data centre", first: centre.first }]);
  const cluster = zoom.level === "cluster" ? centre.clusters.find((c) => c.first === zoom.first) : undefined;
  if (cluster !== undefined) steps.push([cluster.name, zoom]);
  return steps;
}

function centreOf(all: DataCentre[], server: number): DataCentre | undefined {
  return all.find((dc) => server >= dc.first && server < dc.first + dc.count);
}

/** The names of a part, as its address has them. */
export function nameOf(all: DataCentre[], zoom: Zoom | undefined): string {
  const centre = zoom && centreOf(all, zoom.first);
  if (zoom === undefined || centre === undefined) return "";
  const cluster = zoom.level === "cluster" ? centre.clusters.find((c) => c.first === zoom.first) : undefined;
  return [centre.region, centre.name, cluster?.name].filter(Boolean).join("/");
}

/** The part with such names; undefined if there is none. */
export function zoomOf(all: DataCentre[], name: string): Zoom | undefined {
  if (name === "") return undefined;
  for (const centre of all) {
    const whole: Zoom = { level: "data centre", first: centre.first };
    if (nameOf(all, whole) === name) return whole;
    for (const { first } of centre.clusters) {
      const part: Zoom = { level: "cluster", first };
      if (nameOf(all, part) === name) return part;
    }
  }
  return undefined;
}
