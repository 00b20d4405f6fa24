import type { Report } from "../../api.gen.ts";
import { clock, elapsed, network } from "../../format.ts";
import { outcomeWords } from "../../outcomes.ts";
import { now, useSection } from "../../live/store.ts";
import { NumberHead, Panel } from "../../ui/parts.tsx";

/** The latest requests in detail, from users who allow diagnostics. */
export function Samples() {
  const reports = useSection("reports");
  if (reports === undefined) return null;
  return (
    <Panel id="samples" title="Latest samples" note="from users who allow diagnostics; URLs scrubbed">
      {reports.length === 0 ? (
        <p class="empty">
          None in the last hour. Run: <code>heliograph get --policy DIR/policy --consent diagnostics https://…</code>
        </p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Outcome</th>
              <th scope="col">Request or error</th>
              <th scope="col" class="wide server">
                Server
              </th>
              <th scope="col" class="wide">
                Network
              </th>
              <NumberHead wide>Took</NumberHead>
            </tr>
          </thead>
          <tbody>
            {reports.map((report, i) => (
              <Sample key={`${report.at}${report.url}${i}`} report={report} />
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function Sample({ report }: { report: Report }) {
  const failed = report.type !== "ok";
  return (
    <tr>
      <td class="time">{clock(Date.parse(report.at), now.value)}</td>
      <td>
        <code class={failed ? "bad-text" : ""}>
          {report.type}
          {report.status ? ` ${report.status}` : ""}
        </code>{" "}
        <span class="muted words">{outcomeWords(report.type)}</span>
      </td>
      <td class="url" title={report.error_type ? report.message : report.url}>
        {report.error_type ? (
          <>
            {report.error_type} <span class="muted">{report.message || report.url}</span>
          </>
        ) : (
          <>
            {report.method} <Url url={report.url} target={report.target} />
          </>
        )}
        {report.trace_url && (
          <>
            {" "}
            <a href={report.trace_url} target="_blank" rel="noopener noreferrer">
              trace
            </a>
          </>
        )}
      </td>
      <td class="wide server">{report.server ?? "–"}</td>
      <td class="wide">{network(report.asn, report.as_name)}</td>
      <td class="number wide">{elapsed(report.elapsed_ms)}</td>
    </tr>
  );
}

/** The path first, because it differs where the origin does not. */
function Url(props: { url: string; target: string }) {
  if (props.target === "" || !props.url.startsWith(props.target)) return <>{props.url}</>;
  return (
    <>
      {props.url.slice(props.target.length) || "/"} <span class="muted">{props.target}</span>
    </>
  );
}
