import { zone } from "../format.ts";
import { now } from "../live/store.ts";
import { inputTime, spans, timeOfInput, type Range } from "../range.ts";
import { utc } from "../zone.ts";

/** Chooses how far back and from when, in the zone of all times here. */
export function RangeFields({ range, change }: { range: Range; change: (range: Range) => void }) {
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
        <input
          class="until"
          value={range.until === undefined ? "" : inputTime(range.until, utc.value)}
          placeholder="now, or 2026-11-30 13:45"
          onChange={(event) => change({ ...range, until: timeOfInput(event.currentTarget.value, utc.value) })}
        />{" "}
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
