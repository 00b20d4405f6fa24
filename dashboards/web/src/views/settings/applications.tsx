import type { ApplicationSent } from "../../api.gen.ts";
import { fetchApplications } from "../../ask.ts";
import { clock, count, plural, share, span } from "../../format.ts";
import { now } from "../../live/store.ts";
import { useAsked } from "../../ui/asked.ts";
import { Long } from "../../ui/long.tsx";
import { Ago, Panel } from "../../ui/parts.tsx";

/** What each release of each application has sent lately. */
export function Applications() {
  const [found] = useAsked(fetchApplications, []);
  if (found === undefined) return null;
  return (
    <Panel id="applications" title="Applications" note={`last ${span(found.span_seconds * 1000)}`}>
      {found.rows.length === 0 ? (
        <p class="empty">
          None has sent anything that has been judged. The guide for developers: <code>docs/agent.md</code>
        </p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Application</th>
              <th scope="col">Version</th>
              <th scope="col" class="wide">
                Reported by
              </th>
              <th scope="col" class="number wide">
                Per minute
              </th>
              <th scope="col" class="number">
                Failed
              </th>
              <th scope="col" class="number">
                Last seen
              </th>
            </tr>
          </thead>
          <tbody>
            {found.rows.map((row) => (
              <Row key={`${row.app} ${row.version} ${row.source}`} row={row} />
            ))}
          </tbody>
        </table>
      )}
      {found.suppressed > 0 && (
        <p class="muted">
          {plural(found.suppressed, "release")} of fewer than {found.least_clients} clients not shown
        </p>
      )}
    </Panel>
  );
}

function Row({ row }: { row: ApplicationSent }) {
  const at = Date.parse(row.last_seen);
  return (
    <tr>
      <th scope="row" class="anywhere">
        <Long text={row.app} />
      </th>
      <td class="anywhere">
        <Long text={row.version ?? "–"} />
      </td>
      <td class="wide">{row.source}</td>
      <td class="number wide">{count(row.per_minute)}</td>
      <td class="number">{share(row.failed, row.ok + row.failed)}</td>
      <td class="number">
        <time dateTime={row.last_seen} title={clock(at, now.value)}>
          <Ago at={at} />
        </time>
      </td>
    </tr>
  );
}
