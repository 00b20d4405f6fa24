import { dimensions, type Dimension } from "../../api.gen.ts";
import { RangeFields } from "../../ui/range.tsx";
import { filtered, filters, names, ofAllCauses, queryFor, rangeIn, shownNames, within, type Question, type Shown } from "./question.ts";

/** The page's address of a question. */
export function addressOf(q: Question): string {
  return `#/explore?${queryFor(q)}`;
}

/** What to ask. Each change is a new address. */
export function Form({ q }: { q: Question }) {
  const ask = (next: Question) => {
    location.hash = addressOf(next);
  };
  const shown = q.show ?? "requests";
  return (
    <form class="ask" onSubmit={(event) => event.preventDefault()}>
      <nav class="choice" aria-label="What is shown">
        {(Object.keys(shownNames) as Shown[]).map((show) => (
          <a key={show} href={addressOf({ ...q, show })} aria-current={show === shown ? "true" : undefined}>
            {shownNames[show]}
          </a>
        ))}
      </nav>
      {shown === "requests" && <GroupBy q={q} ask={ask} />}
      {shown === "samples" && (
        <label class="search">
          Search{" "}
          <input type="search" value={q.text ?? ""} maxLength={512} placeholder='timeout version:1.5.0 "not a function"' onChange={(event) => ask({ ...q, text: event.currentTarget.value.trim() })} />
        </label>
      )}
      <RangeFields range={rangeIn(q)} change={(range) => ask(within(q, range))} />
      {shown === "errors" && q.fingerprint !== undefined && (
        <TakenAway words={`Fingerprint ${q.fingerprint.slice(0, 8)}`} take={() => ask(ofAllCauses(q))} />
      )}
      {shown !== "errors" && (
        <>
          <label>
            Outcome <input value={q.type} placeholder="tcp.reset, tls" onChange={(event) => ask({ ...q, type: event.currentTarget.value.trim() })} />
          </label>
          <label>
            Target <input value={q.target} placeholder="an origin" onChange={(event) => ask({ ...q, target: event.currentTarget.value.trim() })} />
          </label>
          <Chosen q={q} ask={ask} />
        </>
      )}
    </form>
  );
}

function GroupBy({ q, ask }: { q: Question; ask: (q: Question) => void }) {
  const toggle = (d: Dimension) => {
    const by = q.by.includes(d) ? q.by.filter((o) => o !== d) : [...q.by, d];
    if (by.length > 0) ask({ ...q, by });
  };
  return (
    <fieldset>
      <legend>Group by</legend>
      {dimensions.map((d) => (
        <label key={d}>
          <input type="checkbox" checked={q.by.includes(d)} onChange={() => toggle(d)} /> {names[d]}
        </label>
      ))}
    </fieldset>
  );
}

/** The filters that have no field of their own, each with a button that takes it away. */
function Chosen({ q, ask }: { q: Question; ask: (q: Question) => void }) {
  return (
    <>
      {filters.map((filter) => {
        const value = filter === "type" || filter === "target" ? undefined : q[filter];
        if (value === undefined) return null;
        const words = `${names[filter]} ${filter === "asn" ? "AS" : ""}${value}`;
        return <TakenAway key={filter} words={words} take={() => ask(filtered(q, filter, ""))} />;
      })}
    </>
  );
}

/** A filter that is on, as the button that takes it away. */
function TakenAway({ words, take }: { words: string; take: () => void }) {
  return (
    <button type="button" class="chosen" aria-label={`${words}: take this filter away`} onClick={take}>
      {words} ✕
    </button>
  );
}
