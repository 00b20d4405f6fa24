import type { Reachability } from "../../api.gen.ts";
import { fetchReachability, Refused } from "../../ask.ts";
import { plural, span } from "../../format.ts";
import { now } from "../../live/store.ts";
import { query } from "../../router.ts";
import { useAsked } from "../../ui/asked.ts";
import { Field } from "../../ui/field.tsx";
import { lazy } from "../../ui/lazy.tsx";
import { Panel } from "../../ui/parts.tsx";
import { RangeFields } from "../../ui/range.tsx";
import { Grid, GridTable } from "./grid.tsx";
import { meanings } from "./level.ts";
import { addressOf, queryFor, questionOf, stepMS, type Question, type Shown } from "./question.ts";

const WorldMap = lazy(async () => (await import("./map.tsx")).WorldMap);

const names: Record<Shown, string> = { networks: "Networks", countries: "Countries", map: "World map" };
const most = 250;
const refreshMS = 10_000;

/** Where from the service cannot be reached: origins and time, or the map of the world. */
export function Reach() {
  const q = questionOf(query.value);
  const asked = queryFor(q, most);
  const turn = q.range.until === undefined ? Math.floor(now.value / Math.max(refreshMS, stepMS(q.range) ?? 0)) : 0;
  const [answer] = useAsked(() => answerTo(asked, q), [asked, turn]);
  return (
    <div class="reach">
      <Panel id="reach" title="Reachability" note={<Key />}>
        <Form q={q} />
        {typeof answer === "string" && <p class="bad-text">This is not answered: {answer}.</p>}
        {typeof answer === "object" && <Found q={answer.q} grid={answer.grid} />}
      </Panel>
    </div>
  );
}

async function answerTo(asked: string, q: Question): Promise<{ q: Question; grid: Reachability } | string> {
  try {
    return { q, grid: await fetchReachability(asked) };
  } catch (fault) {
    if (fault instanceof Refused) return fault.message;
    throw fault;
  }
}

function Found({ q, grid }: { q: Question; grid: Reachability }) {
  const hidden = grid.suppressed ?? 0;
  return (
    <>
      {q.shown === "map" ? <WorldMap grid={grid} target={q.target} /> : <Grid key={q.shown} grid={grid} target={q.target} />}
      {grid.origins.length === 0 && hidden === 0 && <p class="empty">Nothing was reported in this time.</p>}
      <p class="muted">
        Columns of {span(grid.step_seconds * 1000)}
        {grid.origin_count > grid.origins.length && `; ${grid.origins.length} of ${plural(grid.origin_count, "origin")}`}
        {hidden > 0 && `; ${plural(hidden, "cell")} of too few clients not shown`}
      </p>
      <GridTable grid={grid} target={q.target} />
    </>
  );
}

/** What to show. Each change is a new address. */
function Form({ q }: { q: Question }) {
  const ask = (change: Partial<Question>) => {
    location.hash = addressOf({ ...q, ...change });
  };
  return (
    <form class="ask" onSubmit={(event) => event.preventDefault()}>
      <nav class="choice" aria-label="What is shown">
        {(Object.keys(names) as Shown[]).map((shown) => (
          <a key={shown} href={addressOf({ ...q, shown })} aria-current={shown === q.shown ? "true" : undefined}>
            {names[shown]}
          </a>
        ))}
      </nav>
      <RangeFields range={q.range} change={(range) => ask({ range })} />
      <label>
        Target <Field value={q.target} placeholder="an origin" take={(target) => ask({ target })} />
      </label>
    </form>
  );
}

function Key() {
  return (
    <span class="key reach-key">
      {meanings.map(([level, meaning]) => (
        <span key={level}>
          <i class={`swatch level${level}`} /> {meaning}
        </span>
      ))}
    </span>
  );
}
