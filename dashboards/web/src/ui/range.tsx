import { zone } from "../format.ts";
import { now } from "../live/store.ts";
import { inputTime, spans, timeOfInput, type Range } from "../range.ts";
import { utc } from "../zone.ts";
import { Field } from "./field.tsx";

/** Chooses how far back and from when, in the zone of all times here. */
export function RangeFields({ range, change }: { range: Range; change: (range: Range) => void }) {
  const takeUntil = (text: string): boolean => {
    const until = timeOfInput(text, utc.value);
    if (until === undefined && text !== "" && text !== "now") return false;
    change({ ...range, until });
    return true;
  };
  const offered = spans.includes(range.since) ? spans : [range.since, ...spans];
  return (
    <>
      <label>
        Time{" "}
        <select value={range.since} onChange={(event) => change({ ...range, since: event.currentTarget.value })}>
          {offered.map((s) => (
            <option key={s} value={s}>
              {range.until === undefined ? "last " : ""}
              {s}
            </option>
          ))}
        </select>
      </label>
      <label>
        until{" "}
        <Field class="until" value={range.until === undefined ? "" : inputTime(range.until, utc.value)} placeholder="now, or 2026-11-30 13:45" take={takeUntil} wrong="not a time" />{" "}
        {zone(range.until ?? now.value)}
      </label>
      {range.until !== undefined && (
        <button type="button" onClick={() => change({ ...range, until: undefined })}>
          now
        </button>
      )}
    </>
  );
}
