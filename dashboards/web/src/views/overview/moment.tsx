import { useEffect, useState } from "preact/hooks";
import { clock, span } from "../../format.ts";
import { now } from "../../live/store.ts";
import { mapAddress, showMap } from "../../map/address.ts";
import { firstMinute, minuteMS, moment, past, pastFailed, step } from "../../map/past.ts";
import { groups } from "../../map/servers.ts";

const hour = 60;
/** How long each minute is shown in playing. */
const playMS = 500;

/** Chooses the time of the map, from its first frame to the present. */
export function Moment(props: { since: number }) {
  const first = firstMinute(props.since);
  const minutes = Math.floor((now.value - first) / minuteMS);
  return minutes < 1 ? null : <Controls since={props.since} first={first} minutes={minutes} />;
}

function Controls(props: { since: number; first: number; minutes: number }) {
  const { first, minutes } = props;
  const at = moment.value;
  const compares = mapAddress.value.compare;
  const go = (by: number) => showMap({ at: step(moment.value, by, props.since, now.value) });
  const [plays, setPlays] = useState(false);
  const here = past.value?.at === at;
  useEffect(() => {
    if (!plays || !here) return; // the next when this one has come
    const timer = setTimeout(() => {
      if (at === undefined) setPlays(false);
      else go(1);
    }, playMS);
    return () => clearTimeout(timer);
  }, [plays, here, at]);
  const play = () => {
    if (!plays && at === undefined) go(-hour);
    setPlays(!plays);
  };
  const key = (event: KeyboardEvent) => {
    const by = { PageUp: hour, PageDown: -hour }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    go(by);
  };
  const when = at === undefined ? "now" : `${clock(at, now.value)}, ${span(now.value - at)} ago`;
  const button = (by: number, text: string, label: string) => (
    <button type="button" title={label} disabled={by > 0 ? at === undefined : at !== undefined && at <= first} onClick={() => go(by)}>
      {text}
    </button>
  );
  return (
    <div class="moment" role="group" aria-label="Time of the map">
      {button(-hour, "−1 h", "One hour earlier")}
      {button(-1, "−1 min", "One minute earlier")}
      <input
        type="range"
        min={0}
        max={minutes}
        value={at === undefined ? minutes : Math.round((at - first) / minuteMS)}
        aria-label="Time of the map"
        aria-valuetext={when}
        title="Arrow keys: a minute. Page keys: an hour. End: now"
        onInput={(event) => {
          const n = Number(event.currentTarget.value);
          showMap({ at: n >= minutes ? undefined : first + n * minuteMS });
        }}
        onKeyDown={key}
      />
      {button(1, "+1 min", "One minute later")}
      {button(hour, "+1 h", "One hour later")}
      <button type="button" aria-pressed={plays} title="Go on minute by minute" onClick={play}>
        {plays ? "Stop" : "Play"}
      </button>
      <button type="button" disabled={at === undefined} onClick={() => showMap({ at: undefined }, true)}>
        Now
      </button>
      {at !== undefined && (
        <button type="button" aria-pressed={compares} title="What failed and what recovered since" onClick={() => showMap({ compare: !compares }, true)}>
          Compare with now
        </button>
      )}
      {at !== undefined && (
        <a href={`/api/v1/servers.png?from=${new Date(at).toISOString()}`} target="_blank" rel="noopener">
          As a picture
        </a>
      )}
      <output>{when}</output>
    </div>
  );
}

/** Says that the map is not that of the present. */
export function AsOf() {
  const at = moment.value;
  if (at === undefined) return null;
  if (pastFailed.value) return <p class="as-of bad-text" role="status">The map of {clock(at, now.value)} cannot be had. It may not be kept.</p>;
  if (past.value === undefined) return <p class="as-of" role="status">Fetching the map of {clock(at, now.value)} …</p>;
  if (mapAddress.value.compare) return <Compared at={at} same={past.value.groups.topology === groups.value?.topology} />;
  const frame = Date.parse(past.value.groups.changed ?? "");
  return <p class="as-of" role="status">The map as it was at {clock(Number.isNaN(frame) ? past.value.at : frame, now.value)}</p>;
}

function Compared({ at, same }: { at: number; same: boolean }) {
  if (same) return <p class="as-of" role="status">What changed from {clock(at, now.value)} to now</p>;
  return <p class="as-of" role="status">The servers were others at {clock(at, now.value)}: what changed is there as a picture only. The map as it was:</p>;
}
