import { useMemo } from "preact/hooks";
import { count } from "../../format.ts";
import { useSection } from "../../live/store.ts";
import { mapAddress } from "../../map/address.ts";
import { Difference } from "../../map/difference.ts";
import { past } from "../../map/past.ts";
import { groups, states } from "../../map/servers.ts";
import type { Mark } from "../../map/states.ts";
import { lazy } from "../../ui/lazy.tsx";
import { Panel } from "../../ui/parts.tsx";
import { AsOf, Moment } from "./moment.tsx";

// Not part of what every reader loads: some probe no servers.
const MapView = lazy(async () => (await import("./heatmap.tsx")).MapView);

/**
 * The heat map of servers: data centres, clusters, rows; blue is up, vermillion down,
 * hatched unknown. It shows the present, a time of the past, or what changed since.
 */
export function Servers() {
  const summary = useSection("servers");
  const then = past.value;
  const present = states.value;
  const compares = mapAddress.value.compare && then !== undefined && then.groups.topology === groups.value?.topology;
  const difference = useMemo(() => (compares && present !== undefined ? new Difference(then.states, present) : undefined), [compares, then, present]);
  if (summary === undefined) return null;
  if (summary.count === 0) {
    return (
      <Panel id="servers" title="Servers">
        <p class="empty">
          No servers are probed. List them under <code>prober: targets</code> in the configuration.
        </p>
      </Panel>
    );
  }
  const known = difference === undefined ? (then?.groups ?? groups.value) : groups.value;
  const cells = difference ?? then?.states ?? present;
  const told = then?.groups ?? summary;
  const since = groups.value?.kept_since;
  const counts: [Mark, number][] = difference
    ? difference.notable.map((mark) => [mark, difference.tally(mark, 0, difference.count)])
    : [["up", told.up], ["down", told.down], ["unknown", told.unknown]];
  return (
    <Panel id="servers" title="Servers" note={<Key counts={counts} />}>
      <p class="visually-hidden" aria-live="polite">
        {counts.map(([mark, n]) => `${count(n)} ${mark}`).join(", ")}
      </p>
      {since && <Moment since={Date.parse(since)} />}
      <AsOf />
      {known !== undefined && cells !== undefined && known.count === cells.count && (
        <MapView groups={known} cells={cells} at={difference === undefined ? then?.at : undefined} />
      )}
    </Panel>
  );
}

function Key({ counts }: { counts: [Mark, number][] }) {
  return (
    <span class="key">
      {counts.map(([mark, n]) =>
        mark === "unknown" && n === 0 ? null : (
          <span key={mark}>
            <i class={`swatch ${mark.replace(" ", "-")}`} />{" "}
            <span class={(mark === "down" || mark === "failed") && n > 0 ? "bad-text" : ""}>
              {count(n)} {mark}
            </span>{" "}
          </span>
        ),
      )}
    </span>
  );
}
