// Chooses how the map is laid out and how large its cells are, and finds servers by name.
import { useEffect, useState } from "preact/hooks";
import type { Server } from "../../api.gen.ts";
import { fetchNamed } from "../../ask.ts";
import { mapAddress, showMap } from "../../map/address.ts";
import { past } from "../../map/past.ts";

interface Sizes {
  /** Makes the cells larger or smaller; undefined where they cannot be. */
  larger: (() => void) | undefined;
  smaller: (() => void) | undefined;
}

export function Tools({ sizes, go }: { sizes: Sizes; go: (server: number) => void }) {
  const order = mapAddress.value.order;
  return (
    <div class="map-tools">
      <label>
        Order{" "}
        <select value={order} onChange={(event) => showMap({ order: event.currentTarget.value === "hilbert" ? "hilbert" : "rows" }, true)}>
          <option value="rows">rows</option>
          <option value="hilbert">Hilbert curve</option>
        </select>
      </label>
      <span role="group" aria-label="Size of the cells">
        <button type="button" aria-label="Smaller cells" title="Or Ctrl and the wheel, or the shifted Z key" disabled={sizes.smaller === undefined} onClick={sizes.smaller}>
          −
        </button>
        <button type="button" aria-label="Larger cells" title="Or Ctrl and the wheel, or the Z key; drag to move" disabled={sizes.larger === undefined} onClick={sizes.larger}>
          +
        </button>
      </span>
      <Search go={go} />
    </div>
  );
}

/** So many hits are shown. */
const mostHits = 8;
const typingMS = 200;

/** Finds servers by a part of their names. */
function Search({ go }: { go: (server: number) => void }) {
  const find = mapAddress.value.find;
  const at = past.value?.at;
  const [hits, setHits] = useState<Server[] | undefined>(undefined);
  useEffect(() => {
    setHits(undefined);
    if (find.trim() === "") return;
    let over = false;
    const timer = setTimeout(async () => {
      const found = await fetchNamed(find.trim(), mostHits + 1, at).catch(() => []);
      if (!over) setHits(found);
    }, typingMS);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [find, at]);
  return (
    <form
      class="map-search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        if (hits?.[0] !== undefined) go(hits[0].index);
      }}
    >
      <label>
        Find{" "}
        <input type="search" value={find} maxLength={100} placeholder="part of a server's name" onInput={(event) => showMap({ find: event.currentTarget.value })} />
      </label>
      {hits !== undefined && (
        <div class="hits" role="status">
          {hits.length === 0 && "No server has this in its name."}
          {hits.slice(0, mostHits).map((server) => (
            <button key={server.index} type="button" onClick={() => go(server.index)}>
              {server.name}
              <small>
                {" "}
                {[server.region, server.data_centre, server.cluster, server.row].filter(Boolean).join(" › ")} · <b class={server.state === "down" ? "bad-text" : ""}>{server.state}</b>
              </small>
            </button>
          ))}
          {hits.length > mostHits && `The first ${mostHits}; type more to see others.`}
        </div>
      )}
    </form>
  );
}
