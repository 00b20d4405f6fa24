// The same as the map, for those who read rather than look.
import { useEffect } from "preact/hooks";
import type { Servers as Groups } from "../../api.gen.ts";
import { count, span } from "../../format.ts";
import { now } from "../../live/store.ts";
import { past } from "../../map/past.ts";
import { failing, loadFailing, states, tableOpen } from "../../map/servers.ts";
import type { Cells, Mark } from "../../map/states.ts";
import { NumberHead } from "../../ui/parts.tsx";
import { clustersOf } from "./words.ts";

const tableRows = 100;

export function Table(props: { groups: Groups; cells: Cells }) {
  const open = tableOpen.value;
  return (
    <details class="map-table" open={open} onToggle={(event) => (tableOpen.value = (event.currentTarget as HTMLDetailsElement).open)}>
      <summary>As a table</summary>
      {open && <Clusters {...props} />}
      {open && props.cells.notable.length === 1 && <Failing />}
    </details>
  );
}

const heads: Partial<Record<Mark, string>> = { down: "Down", unknown: "Unknown", failed: "Failed", recovered: "Recovered", "still down": "Still down" };

function Clusters({ groups, cells }: { groups: Groups; cells: Cells }) {
  const marks: Mark[] = cells.notable.length === 1 ? [...cells.notable, "unknown"] : cells.notable;
  const [worst] = marks;
  const rows = clustersOf(groups).map(({ dc, cluster }) => ({ dc, cluster, counts: marks.map((mark) => cells.tally(mark, cluster.first, cluster.count)) }));
  rows.sort((a, b) => b.counts[0]! - a.counts[0]! || b.counts[1]! - a.counts[1]! || a.cluster.first - b.cluster.first);
  const order = worst === "failed" ? "of which most servers failed" : "with most servers down";
  return (
    <table>
      <caption>{rows.length > tableRows ? `The ${tableRows} clusters ${order}, of ${count(rows.length)}` : `Clusters, those ${order} first`}</caption>
      <thead>
        <tr>
          <th scope="col">Data centre</th>
          <th scope="col">Cluster</th>
          <NumberHead>Servers</NumberHead>
          {marks.map((mark) => (
            <NumberHead key={mark}>{heads[mark]}</NumberHead>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.slice(0, tableRows).map(({ dc, cluster, counts }) => (
          <tr key={cluster.first}>
            <td>{[dc.region, dc.name].filter(Boolean).join(" › ")}</td>
            <th scope="row">{cluster.name}</th>
            <td class="number">{count(cluster.count)}</td>
            {counts.map((n, i) => (
              <td key={marks[i]} class={i === 0 && n > 0 ? "number bad-text" : "number"}>
                {count(n)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Failing() {
  const at = past.value?.at;
  const bits = states.value;
  useEffect(() => void loadFailing(at), [at, at === undefined ? bits : undefined]);
  if (failing.value.length === 0) return null;
  return (
    <table>
      <caption>Servers that are down or unknown, the first {count(failing.value.length)}</caption>
      <thead>
        <tr>
          <th scope="col">Server</th>
          <th scope="col">Where</th>
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody>
        {failing.value.map((server) => (
          <tr key={server.index}>
            <th scope="row">{server.name}</th>
            <td>{[server.region, server.data_centre, server.cluster, server.row].filter(Boolean).join(" › ")}</td>
            <td>
              {server.state}
              {server.since && ` for ${span(now.value - Date.parse(server.since))}`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
