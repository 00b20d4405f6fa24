import { useEffect } from "preact/hooks";
import { clock, span } from "../format.ts";
import { now, retryNow, snapshot, state, status } from "../store.ts";

/** The state of everything in one sentence. */
export function Header() {
  const overall = state.value;
  const lost = status.value.kind === "lost";
  const stale = lost || Boolean(snapshot.value?.trouble);
  const headline = overall?.headline ?? "Connecting …";
  useEffect(() => {
    document.title = `${lost ? "Connection lost" : stale ? `Stale: ${headline}` : headline} · Heliograph`;
  }, [headline, lost, stale]);
  return (
    <header class={`overall ${stale ? "stale" : (overall?.level ?? "quiet")}`}>
      <div class="brand">
        <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
          <circle cx="13" cy="19" r="8.5" fill="none" stroke="currentColor" stroke-width="3.5" />
          <path d="M19 13 30 2" stroke="currentColor" stroke-width="3.5" />
        </svg>
        Heliograph
      </div>
      <Live />
      <h1 aria-live="polite">
        <span class="lamp" aria-hidden="true" />
        <span>
          <strong>{headline}</strong>
          {overall?.subject && `: ${overall.subject}`}
        </span>
      </h1>
      {overall?.basis && <p class="basis">{overall.basis}</p>}
    </header>
  );
}

function Live() {
  const kind = status.value.kind;
  const words = kind === "live" ? "Live" : kind === "lost" ? "Not live" : "Connecting";
  return (
    <p class={`live ${kind}`}>
      {words}
      <time>{clock(now.value, now.value)}</time>
    </p>
  );
}

/** Says that what the page shows is not of now, and why. */
export function Banner() {
  const current = status.value;
  if (current.kind === "lost") return <Lost since={current.since} retryAt={current.retryAt} />;
  const trouble = snapshot.value?.trouble;
  if (!trouble) return null;
  return (
    <div class="banner" role="alert">
      <p>The detector's store cannot be read since {clock(Date.parse(trouble.since), now.value)}. What you see is from before; its log says more.</p>
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
