import type { ComponentChildren } from "preact";
import type { ScopeMute } from "../api.gen.ts";
import { moment, zone } from "../format.ts";
import { now, useSection } from "../live/store.ts";
import { Long } from "../ui/long.tsx";

/** The mutes by scope that hold or are planned; nothing if there are none. */
export function MutedScopes({ deed }: { deed?: ((mute: ScopeMute) => ComponentChildren) | undefined }) {
  const mutes = useSection("mutes");
  if (mutes === undefined || mutes.length === 0) return null;
  return (
    <ul class="scope-mutes" aria-label="Muted scopes">
      {mutes.map((mute) => (
        <li key={mute.number} class="muted-until">
          <p>
            <b>{when(mute)}</b>: <Long text={mute.words} /> by <Long text={mute.who || "somebody"} />: <Long text={mute.reason} />
          </p>
          {deed?.(mute)}
        </li>
      ))}
    </ul>
  );
}

/** "Muted until 13:00 UTC", "To be muted from 22:00 to 23:30 UTC". */
function when({ state, start, end }: ScopeMute): string {
  const until = Date.parse(end);
  const at = (time: number) => moment(time, now.value);
  if (state === "planned" && Date.parse(start) > now.value) return `To be muted from ${at(Date.parse(start))} to ${at(until)} ${zone(until)}`;
  return `Muted until ${at(until)} ${zone(until)}`;
}
