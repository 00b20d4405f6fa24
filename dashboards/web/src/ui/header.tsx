import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { Now, State } from "../api.gen.ts";
import { clock, shortened, span, zone } from "../format.ts";
import { now, retryNow, status, trouble, useSection } from "../live/store.ts";
import { trendWords } from "../trend.ts";
import { setUTC, utc } from "../zone.ts";
import { Long } from "./long.tsx";
import { Since } from "./parts.tsx";
import { Who } from "./who.tsx";

const levels: Record<State, string> = {
  calm: "Calm",
  unsure: "Unsure",
  degraded_delivery: "Delivery degraded",
  incident: "Incident",
  silent: "Silent",
};

/** The longest title of the browser's tab, in characters. */
const mostTitle = 120;
const mostHeadline = 160;

/** The state of everything in one sentence, as the server judges it. */
export function Header(props: { children?: ComponentChildren }) {
  const judged = useSection("now");
  const lost = status.value.kind === "lost";
  const stale = lost || trouble.value !== null;
  const headline = judged?.headline ?? "Connecting …";
  useEffect(() => {
    const told = shortened(headline, mostTitle);
    document.title = `${lost ? "Connection lost" : stale ? `Stale: ${told}` : told} · Heliograph`;
  }, [headline, lost, stale]);
  return (
    <header class={`overall ${stale ? "stale" : `state-${judged?.state ?? "silent"}`}`}>
      <div class="brand">
        <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
          <circle cx="13" cy="19" r="8.5" fill="none" stroke="currentColor" stroke-width="3.5" />
          <path d="M19 13 30 2" stroke="currentColor" stroke-width="3.5" />
        </svg>
        Heliograph
      </div>
      {props.children}
      <div class="right">
        <Who />
        <Live />
      </div>
      <h1 aria-live="polite">
        <span class="lamp" aria-hidden="true" />
        <strong>
          <Long text={headline} most={mostHeadline} />
        </strong>
      </h1>
      {judged !== undefined && (
        <p class="basis">
          <b class="level">{stale ? "Stale" : levels[judged.state]}</b>
          {judged.since !== undefined && (
            <span>
              <Since at={Date.parse(judged.since)} />
            </span>
          )}
          <Trend now={judged} />
          {judged.who !== undefined && <span class="who">{judged.who}</span>}
        </p>
      )}
    </header>
  );
}

/** Whether it gets better. */
function Trend({ now: judged }: { now: Now }) {
  if (judged.trend === undefined) return null;
  return <b class={`trend ${judged.trend}`}>{trendWords(judged.trend, judged.trend_since && clock(Date.parse(judged.trend_since), now.value))}</b>;
}

function Live() {
  const kind = status.value.kind;
  const words = kind === "live" ? "Live" : kind === "lost" ? "Not live" : "Connecting";
  return (
    <p class={`stream ${kind}`}>
      <span class={kind === "live" ? "live-words" : ""}>{words}</span>
      <time>
        {clock(now.value, now.value)}{" "}
      </time>
      <Zone />
    </p>
  );
}

/** The zone of all times; a button where the reader's is another than UTC. */
function Zone() {
  if (new Date(now.value).getTimezoneOffset() === 0) return <span class="zone">UTC</span>;
  const other = utc.value ? "in your zone" : "in UTC";
  return (
    <button type="button" class="zone" title={`Show all times ${other}`} onClick={() => setUTC(!utc.value)}>
      {zone(now.value)}
    </button>
  );
}

/** Says that what the page shows is not of now, and why. */
export function Banner() {
  const current = status.value;
  if (current.kind === "lost") return <Lost since={current.since} retryAt={current.retryAt} />;
  if (trouble.value === null) return null;
  return (
    <div class="banner" role="alert">
      <p>The detector's store cannot be read since {clock(Date.parse(trouble.value.since), now.value)}. What you see is from before; its log says more.</p>
    </div>
  );
}

function Lost(props: { since: number; retryAt: number }) {
  now.value; // counts down
  const wait = Math.max(0, Math.ceil((props.retryAt - Date.now()) / 1000));
  return (
    <div class="banner" role="alert">
      <p>
        Connection to Heliograph lost.{" "}
        <span aria-live="off">
          What you see is from {span(Date.now() - props.since)} ago; next try {wait > 0 ? `in ${wait} s` : "now"}.
        </span>
      </p>
      <button type="button" onClick={retryNow}>
        Try now
      </button>
    </div>
  );
}
