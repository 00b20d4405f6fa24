import { useEffect, useState } from "preact/hooks";
import type { Origin, Probed, Reachability } from "../../api.gen.ts";
import { fetchProbes, fetchWorld, type World } from "../../ask.ts";
import { clock, plural, share, shortened } from "../../format.ts";
import { now } from "../../live/store.ts";
import { useAsked } from "../../ui/asked.ts";
import { levelOf } from "./level.ts";
import { sums } from "./grid.tsx";
import { countryName, nameOf, reportsOf } from "./question.ts";
import { vantagesOf, type Vantage } from "../vantages/vantages.ts";

const stepEveryMS = 400;
const mostProbed = 200;
/** Among so many columns the API looks for the latest ones in which an origin was heard. */
const latest = 10;

/** The countries of the world by how much more fails than normally, with the timeline above. */
export function WorldMap({ grid, target }: { grid: Reachability; target: string }) {
  const [world] = useAsked(fetchWorld, []);
  const [probed] = useAsked(() => fetchProbes(mostProbed), []);
  const [column, setColumn] = useState<number | undefined>(undefined);
  const [pointed, setPointed] = useState<string | undefined>(undefined);
  if (world === undefined) return <p class="empty">Loading …</p>;
  const chosen = column === undefined || column >= grid.steps ? undefined : column;
  const origin = grid.origins.find((o) => o.country === pointed);
  return (
    <div class="world">
      <Timeline grid={grid} column={chosen} choose={setColumn} />
      <p class="readout" aria-live="polite">
        {pointed === undefined ? summary(grid, chosen) : origin === undefined ? `${countryName(pointed)}: nothing heard` : toldOf(origin, chosen)}
      </p>
      <Picture world={world} grid={grid} column={chosen} vantages={vantagesOf(probed ?? [])} point={setPointed} target={target} />
      <Unplaced world={world} grid={grid} probed={probed ?? []} column={chosen} />
    </div>
  );
}

/** The requests of an origin in a column, or in the latest ones in which it was heard. */
function met(origin: Origin, column: number | undefined): { ok: number; failed: number } {
  return column === undefined ? origin.recent : { ok: origin.ok[column] ?? 0, failed: origin.failed[column] ?? 0 };
}

/** The part of all requests that normally fails. */
function normalOfAll(grid: Reachability): number {
  let expected = 0;
  let requests = 0;
  for (const origin of grid.origins) {
    const { ok, failed } = sums(origin);
    expected += origin.normal * (ok + failed);
    requests += ok + failed;
  }
  return requests > 0 ? expected / requests : 0;
}

/** Chooses a column, or the latest ones, and goes through the columns. */
function Timeline(props: { grid: Reachability; column: number | undefined; choose: (column: number | undefined) => void }) {
  const { grid, column } = props;
  const [plays, setPlays] = useState(false);
  useEffect(() => {
    if (!plays) return;
    const timer = setTimeout(() => {
      const next = column === undefined ? 0 : column + 1;
      if (next >= grid.steps) setPlays(false);
      else props.choose(next);
    }, stepEveryMS);
    return () => clearTimeout(timer);
  }, [plays, column]);
  const at = (n: number) => clock(Date.parse(grid.start) + n * grid.step_seconds * 1000, now.value);
  const words = column === undefined ? "the latest" : `${at(column)} to ${at(column + 1)}`;
  const normal = normalOfAll(grid);
  const level = (i: number) => levelOf(grid.all.ok[i] ?? 0, grid.all.failed[i] ?? 0, normal);
  return (
    <div class="moment" role="group" aria-label="Time of the map">
      <span class="reach-cells" aria-hidden="true">
        {Array.from({ length: grid.steps }, (_, i) => (
          <i key={i} class={`level${level(i)}${i === column ? " at" : ""}`} />
        ))}
      </span>
      <input
        type="range"
        min={0}
        max={grid.steps}
        value={column ?? grid.steps}
        aria-label="Time of the map"
        aria-valuetext={words}
        onInput={(event) => {
          const n = Number(event.currentTarget.value);
          props.choose(n >= grid.steps ? undefined : n);
        }}
      />
      <button type="button" aria-pressed={plays} onClick={() => setPlays(!plays)}>
        {plays ? "Stop" : "Play"}
      </button>
      <button type="button" disabled={column === undefined} onClick={() => props.choose(undefined)}>
        Latest
      </button>
      <output>{words}</output>
    </div>
  );
}

interface PictureProps {
  world: World;
  grid: Reachability;
  column: number | undefined;
  vantages: Vantage[];
  point: (country: string | undefined) => void;
  target: string;
}

function Picture({ world, grid, column, vantages, point, target }: PictureProps) {
  const byCountry = new Map(grid.origins.map((o) => [o.country, o]));
  const levelIn = (code: string) => {
    const origin = byCountry.get(code);
    if (origin === undefined) return -1;
    const { ok, failed } = met(origin, column);
    return levelOf(ok, failed, origin.normal);
  };
  const countryAt = (event: Event) => (event.target as Element).closest<SVGElement>("[data-country]")?.dataset["country"];
  const go = (event: Event) => {
    const origin = byCountry.get(countryAt(event));
    if (origin) location.hash = reportsOf(grid, origin, target, column ?? Math.max(0, grid.steps - latest), column ?? grid.steps - 1);
  };
  return (
    <svg
      class="world-map"
      viewBox={`0 0 ${world.width} ${world.height}`}
      role="img"
      aria-label={`Map of the world. ${summary(grid, column)}. The table below says the same.`}
      onPointerMove={(event) => point(countryAt(event))}
      onPointerLeave={() => point(undefined)}
      onClick={go}
    >
      <defs>
        {[2, 3].map((level) => (
          <pattern key={level} id={`hatch${level}`} width={level === 2 ? 14 : 8} height={level === 2 ? 14 : 8} patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect width="14" height="14" class={`level${level}`} />
            <line x1="0" y1="0" x2="0" y2="14" class="hatch" />
          </pattern>
        ))}
      </defs>
      {Object.entries(world.countries).map(([code, country]) => {
        const level = levelIn(code);
        if (country.outline !== undefined) return <path key={code} data-country={code} class={`country level${level}`} d={country.outline} />;
        return level >= 0 ? <circle key={code} data-country={code} class={`country level${level}`} cx={country.x} cy={country.y} r="9" /> : null;
      })}
      {vantages.map((v) => {
        const place = v.country === undefined ? undefined : world.countries[v.country];
        return place === undefined ? null : <Mark key={v.name} vantage={v} x={place.x} y={place.y + v.nth * 26} />;
      })}
    </svg>
  );
}

/** A vantage of the probers: a diamond, filled if it finds anything down. */
function Mark({ vantage: v, x, y }: { vantage: Vantage; x: number; y: number }) {
  return (
    <path class={v.down > 0 ? "vantage down" : v.up > 0 ? "vantage" : "vantage unsure"} d={`M${x} ${y - 12}l12 12l-12 12l-12 -12z`}>
      <title>{vantageWords(v)}</title>
    </path>
  );
}

function vantageWords(v: Vantage): string {
  return `Vantage ${shortened(v.name, 48)}: ${v.up} up, ${v.down} down${v.unsure > 0 ? `, ${v.unsure} in doubt` : ""}`;
}

/** What the picture has no place for. */
function Unplaced({ world, grid, probed, column }: { world: World; grid: Reachability; probed: Probed[]; column: number | undefined }) {
  const countries = grid.origins.filter((o) => world.countries[o.country ?? ""] === undefined);
  const failing = countries.filter((o) => fails(o, column)).map((o) => toldOf(o, column));
  const vantages = vantagesOf(probed);
  const lost = vantages.filter((v) => v.country === undefined || world.countries[v.country] === undefined);
  return (
    <>
      {vantages.length > 0 && (
        <p class="muted">
          ◇ vantages of probers{lost.length > 0 && `; without a place: ${lost.slice(0, named).map(vantageWords).join("; ")}${lost.length > named ? ` and ${plural(lost.length - named, "other")}` : ""}`}
        </p>
      )}
      {countries.length > 0 && (
        <p class="muted">
          Not on the map: {plural(countries.length, "country", "countries")}
          {failing.length > 0 && `, among them ${failing.slice(0, named).join("; ")}`}
        </p>
      )}
    </>
  );
}

function toldOf(origin: Origin, column: number | undefined): string {
  const { ok, failed } = met(origin, column);
  return `${nameOf(origin)}: ${share(failed, ok + failed)} of ${plural(Math.round(ok + failed), "request")} failed, normally ${share(origin.normal, 1)}`;
}

/** Whether much more than normally fails. */
function fails(origin: Origin, column: number | undefined): boolean {
  const { ok, failed } = met(origin, column);
  return levelOf(ok, failed, origin.normal) >= 2;
}

const named = 3;

function summary(grid: Reachability, column: number | undefined): string {
  const hit = grid.origins.filter((o) => fails(o, column));
  if (hit.length === 0) return "No country fails much more than normally";
  const rest = hit.length - named;
  return `Much more than normally fails in ${hit.slice(0, named).map(nameOf).join(", ")}${rest > 0 ? ` and ${plural(rest, "other")}` : ""}`;
}
