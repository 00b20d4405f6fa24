import type { Total } from "../../api.gen.ts";
import { network, plural } from "../../format.ts";
import { Long } from "../../ui/long.tsx";
import { FailedCells, NumberHead, Panel } from "../../ui/parts.tsx";

/** What a row of cells may be of, in their order. */
const kinds: [string, (t: Total) => string | undefined][] = [
  ["Network", (t) => (t.asn === undefined ? undefined : network(t.asn, t.as_name))],
  ["Country", (t) => t.country],
  ["Server", (t) => (t.server === undefined ? undefined : t.server || "none reached")],
  ["Protocol", (t) => (t.protocol === undefined ? undefined : t.protocol || "did not get that far")],
];

/** Where it happened, as tables. */
export function Cells(props: { cells: Total[]; suppressed: number }) {
  const hidden = props.suppressed > 0 ? `${plural(props.suppressed, "row")} of too few clients not shown` : "";
  if (props.cells.length === 0 && hidden === "") return null;
  return (
    <Panel id="cells" title="Where" note={hidden}>
      <div class="cells">
        {kinds.map(([kind, nameOf]) => (
          <Table key={kind} kind={kind} rows={props.cells.filter((c) => nameOf(c) !== undefined)} nameOf={(c) => nameOf(c) ?? ""} />
        ))}
      </div>
    </Panel>
  );
}

function Table(props: { kind: string; rows: Total[]; nameOf: (t: Total) => string }) {
  if (props.rows.length === 0) return null;
  const most = props.rows[0]?.failed ?? 0;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{props.kind}</th>
          <NumberHead span={2}>Failed</NumberHead>
          <NumberHead>Share</NumberHead>
          <NumberHead>Clients</NumberHead>
        </tr>
      </thead>
      <tbody>
        {props.rows.map((c) => (
          <tr key={props.nameOf(c)}>
            <th scope="row" class="anywhere">
              <Long text={props.nameOf(c)} />
            </th>
            <FailedCells failed={c.failed} most={most} all={c.ok + c.failed} clients={c.clients} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}
