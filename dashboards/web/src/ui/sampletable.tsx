import type { Report } from "../api.gen.ts";
import { clock, elapsed, inert, network } from "../format.ts";
import { now } from "../live/store.ts";
import { outcomeWords } from "../outcomes.ts";
import { Long, Short } from "./long.tsx";
import { NumberHead } from "./parts.tsx";

/** Single requests and application errors; with full, also the release, the country and the trace. */
export function SampleTable({ reports, full }: { reports: Report[]; full?: boolean }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Outcome</th>
          <th scope="col">Request or error</th>
          {full && (
            <th scope="col" class="wide">
              Release
            </th>
          )}
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
          <Sample key={`${report.at}${report.url}${i}`} report={report} full={full ?? false} />
        ))}
      </tbody>
    </table>
  );
}

function Sample({ report, full }: { report: Report; full: boolean }) {
  const failed = report.type !== "ok";
  const Text = full ? Long : Short; // the short table has lines of one row
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
      <td class="url" title={full ? undefined : inert((report.error_type ? report.message : report.url) ?? "")}>
        {report.error_type ? (
          <>
            <Text text={report.error_type} />{" "}
            <span class="muted">
              <Text text={report.message || report.url} />
            </span>
          </>
        ) : (
          <>
            <Text text={report.method ?? ""} /> <Url url={report.url} target={report.target} Text={Text} />
          </>
        )}
        <Trace report={report} full={full} />
      </td>
      {full && (
        <td class="wide anywhere">
          <Long text={`${report.app} ${report.version ?? ""}`} />{" "}
          <span class="muted">
            <Long text={report.os ?? ""} />
          </span>
        </td>
      )}
      <td class="wide server anywhere">
        <Text text={report.server ?? "–"} />
      </td>
      <td class="wide">
        {network(report.asn, report.as_name)} {full && <span class="muted">{report.country}</span>}
      </td>
      <td class="number wide">{elapsed(report.elapsed_ms)}</td>
    </tr>
  );
}

/** The trace of a request, in the service's own tracing if the page knows where that is. */
function Trace({ report, full }: { report: Report; full: boolean }) {
  if (report.trace_url) {
    return (
      <>
        {" "}
        <a href={report.trace_url} target="_blank" rel="noopener noreferrer">
          trace{full && ` ${report.trace_id?.slice(0, 8)}`}
        </a>
      </>
    );
  }
  if (!full || !report.trace_id) return null;
  return (
    <>
      {" "}
      <code class="muted" title={report.trace_id}>
        trace {report.trace_id}
      </code>
    </>
  );
}

/** The path first, because it differs where the origin does not. */
function Url({ url, target, Text }: { url: string; target: string; Text: typeof Long }) {
  if (target === "" || !url.startsWith(target)) return <Text text={url} />;
  return (
    <>
      <Text text={url.slice(target.length) || "/"} />{" "}
      <span class="muted">
        <Text text={target} />
      </span>
    </>
  );
}
