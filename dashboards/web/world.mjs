// Makes the map of the world from world-atlas: outlines that are projected once, here, so that
// readers load neither a projection nor its library.
import { geoEqualEarth, geoPath } from "d3-geo";
import { createRequire } from "node:module";
import { feature } from "topojson-client";

const require = createRequire(import.meta.url);
const codes = new Map(require("i18n-iso-countries/codes.json").map(([two, , number]) => [number, two]));

const width = 2000;
const height = 960;

// world returns the outline of each country in whole units, of which the world is 2,000 wide, and
// its middle. Countries too small for an outline have a middle alone.
export function world() {
  const coarse = countries("110m");
  const projection = geoEqualEarth().fitSize([width, height], { type: "Sphere" });
  const outline = geoPath(projection).digits(0);
  const lands = { type: "FeatureCollection", features: [...coarse.values()] };
  const out = { width, height: Math.ceil(outline.bounds(lands)[1][1]), countries: {} };
  for (const [code, shape] of countries("50m")) {
    const large = coarse.get(code);
    const [x, y] = outline.centroid(largest(large ?? shape, outline)).map(Math.round);
    out.countries[code] = large === undefined ? { x, y } : { x, y, outline: outline(large) };
  }
  return out;
}

// countries returns the shapes of a scale by their two letters. The ice of Antarctica has no clients.
function countries(scale) {
  const atlas = require(`world-atlas/countries-${scale}.json`);
  const shapes = new Map();
  for (const shape of feature(atlas, atlas.objects.countries).features) {
    const code = codes.get(shape.id);
    if (code !== undefined && code !== "AQ") shapes.set(code, shape);
  }
  return shapes;
}

// largest returns the largest polygon of a shape: the middle of a country is not in the sea between
// its islands.
function largest(shape, outline) {
  if (shape.geometry.type !== "MultiPolygon") return shape;
  const parts = shape.geometry.coordinates.map((coordinates) => ({ type: "Polygon", coordinates }));
  return parts.reduce((a, b) => (outline.area(b) > outline.area(a) ? b : a));
}
