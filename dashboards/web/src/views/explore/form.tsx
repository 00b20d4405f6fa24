import { dimensions, type Dimension } from "../../api.gen.ts";
import { names, queryFor, spans, type Question } from "./question.ts";

/** What to ask. Each change is a new address. */
export function Form({ q }: { q: Question }) {
  const ask = (change: Partial<Question>) => {
    location.hash = `#/explore?${queryFor({ ...q, ...change })}`;
  };
  const toggle = (d: Dimension) => {
    const by = q.by.includes(d) ? q.by.filter((o) => o !== d) : [...q.by, d];
    if (by.length > 0) ask({ by });
  };
  return (
    <form class="ask" onSubmit={(event) => event.preventDefault()}>
      <fieldset>
        <legend>Group by</legend>
        {dimensions.map((d) => (
          <label key={d}>
            <input type="checkbox" checked={q.by.includes(d)} onChange={() => toggle(d)} /> {names[d]}
          </label>
        ))}
      </fieldset>
      <label>
        Time{" "}
        <select value={q.since} onChange={(event) => ask({ since: event.currentTarget.value })}>
          {spans.map((s) => (
            <option key={s} value={s}>
              last {s}
            </option>
          ))}
        </select>
      </label>
      <label>
        Outcome <input value={q.type} placeholder="tcp.reset, tls" onChange={(event) => ask({ type: event.currentTarget.value.trim() })} />
      </label>
      <label>
        Target <input value={q.target} placeholder="an origin" onChange={(event) => ask({ target: event.currentTarget.value.trim() })} />
      </label>
    </form>
  );
}
