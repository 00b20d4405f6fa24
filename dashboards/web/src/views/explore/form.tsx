import { dimensions, type Dimension } from "../../api.gen.ts";
import { shortened } from "../../format.ts";
import { Field } from "../../ui/field.tsx";
import { Short } from "../../ui/long.tsx";
import { RangeFields } from "../../ui/range.tsx";
import { filtered, filtersOf, names, ofAllCauses, queryFor, rangeIn, shownNames, within, type Filter, type Question, type Shown } from "./question.ts";

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
          <Field search value={q.text ?? ""} maxLength={512} placeholder='timeout version:1.5.0 "not a function"' take={(text) => ask({ ...q, text })} />
        </label>
      )}
      <RangeFields range={rangeIn(q)} change={(range) => ask(within(q, range))} />
      {shown === "errors" && q.fingerprint !== undefined && (
        <TakenAway words={`Fingerprint ${q.fingerprint.slice(0, 8)}`} take={() => ask(ofAllCauses(q))} />
      )}
      {shown !== "errors" && (
        <>
          <label>
            Outcome <Field value={q.type} placeholder="tcp.reset, tls" take={(type) => ask({ ...q, type })} />
          </label>
          <label>
            Target <Field value={q.target} placeholder="an origin" take={(target) => ask({ ...q, target })} />
          </label>
        </>
      )}
      <Chosen q={q} ask={ask} only={filtersOf(q)} />
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
function Chosen({ q, ask, only }: { q: Question; ask: (q: Question) => void; only: readonly Filter[] }) {
  return (
    <>
      {only.map((filter) => {
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
    <button type="button" class="chosen" aria-label={`${shortened(words)}: take this filter away`} onClick={take}>
      <Short text={words} most={80} /> ✕
    </button>
  );
}
