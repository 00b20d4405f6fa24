import { useState } from "preact/hooks";
import type { AppErrors, Curve as CurveData, Dimension, Report, Total } from "../../api.gen.ts";
import { fetchCurve, fetchErrors, fetchReports, fetchTotals, Refused } from "../../ask.ts";
import { Curve } from "../../curve/curve.tsx";
import { count, network, plural, share } from "../../format.ts";
import { query } from "../../router.ts";
import { useAsked } from "../../ui/asked.ts";
import { Long, Short } from "../../ui/long.tsx";
import { More, NumberHead, Panel } from "../../ui/parts.tsx";
import { SampleTable } from "../../ui/sampletable.tsx";
import { ErrorTable } from "./errors.tsx";
import { addressOf, Form } from "./form.tsx";
import { curveOf, filtered, filters, listCSV, names, pathFor, queryFor, questionOf, type Filter, type Question } from "./question.ts";

const most = 200;

/** What was asked, which may be another question than the present one, and what was found. */
interface Answer {
  q: Question;
  suppressed: number;
  curve?: CurveData;
  rows?: Total[];
  reports?: Report[];
  errors?: AppErrors;
}

/** Requests by any dimension, with filters, samples and errors; the address says what is asked. */
export function Explore() {
  const q = questionOf(query.value);
  const [answer] = useAsked(() => answerTo(q), [queryFor(q)]);
  return (
    <div class="explore">
      <Panel id="explore" title="Explore" note={<Links q={q} answer={answer} />}>
        <Form q={q} />
        {typeof answer === "string" && <p class="bad-text">This is not answered: {answer}.</p>}
        {typeof answer === "object" && <Found answer={answer} />}
      </Panel>
    </div>
  );
}

/** The answer to a question, or why the server gives none. */
async function answerTo(q: Question): Promise<Answer | string> {
  const path = pathFor(q, most);
  try {
    if (q.show === "samples") return { q, suppressed: 0, reports: await fetchReports(path) };
    if (q.show === "errors") {
      const errors = await fetchErrors(path);
      return { q, suppressed: errors.suppressed, errors };
    }
    const asked = curveOf(q);
    const [totals, curve] = await Promise.all([fetchTotals(path), asked === undefined ? undefined : fetchCurve(asked)]);
    return curve === undefined ? { q, ...totals } : { q, ...totals, curve };
  } catch (fault) {
    if (fault instanceof Refused) return fault.message;
    throw fault;
  }
}

function Found({ answer: { q, suppressed, curve, rows, reports, errors } }: { answer: Answer }) {
  const found = rows ?? reports ?? errors?.errors ?? [];
  return (
    <>
      {curve && <Curve curve={curve} label="Part of the requests that failed" />}
      {rows && !curve && <p class="muted">There is no curve of an application, a status or a source.</p>}
      {rows && <Totals q={q} rows={rows} />}
      {reports && reports.length > 0 && <SampleTable reports={reports} full />}
      {errors && errors.errors.length > 0 && <ErrorTable q={q} errors={errors.errors} />}
      {found.length === 0 && suppressed === 0 && <p class="empty">Nothing of that was reported in the {q.until === undefined ? `last ${q.since}` : "time asked for"}.</p>}
      {found.length >= most && <p class="muted">The first {most}; there may be more.</p>}
      {suppressed > 0 && <p class="muted">{plural(suppressed, "row")} of too few clients not shown</p>}
      {reports && <p class="muted">From users who allow diagnostics; URLs scrubbed.</p>}
    </>
  );
}

const shownAtFirst = 50;
/** An address of IPv4 with its port is not broken where there is room for it on a phone. */
const mostAddress = 21;

function Totals({ q, rows }: { q: Question; rows: Total[] }) {
  const [all, setAll] = useState(false);
  return (
    <>
      <TotalsTable q={q} rows={all ? rows : rows.slice(0, shownAtFirst)} />
      <More hidden={rows.length - shownAtFirst} open={all} toggle={() => setAll(!all)} />
    </>
  );
}

function TotalsTable({ q, rows }: { q: Question; rows: Total[] }) {
  return (
    <table>
      <thead>
        <tr>
          {q.by.map((d) => (
            <th key={d} scope="col">
              {names[d]}
            </th>
          ))}
          <NumberHead>Failed</NumberHead>
          <NumberHead>Share</NumberHead>
          <NumberHead wide>Requests</NumberHead>
          <NumberHead wide>Clients</NumberHead>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={q.by.map((d) => valueOf(row, d)).join(" ")}>
            {q.by.map((d) => (
              <td key={d} class={d === "server" && q.by.length < 3 && valueOf(row, d).length <= mostAddress ? undefined : "anywhere"}>
                <Value q={q} d={d} row={row} />
              </td>
            ))}
            <td class="number">{count(row.failed)}</td>
            <td class="number">{share(row.failed, row.ok + row.failed)}</td>
            <td class="number wide">{count(row.ok + row.failed)}</td>
            <td class="number wide">{count(row.clients)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A value, which leads to what is only of it where the API can select by it. */
function Value({ q, d, row }: { q: Question; d: Dimension; row: Total }) {
  const value = valueOf(row, d);
  const raw = String(row[d] ?? "");
  if (!(filters as readonly string[]).includes(d) || raw === "" || raw === "ok") return <Long text={value || "–"} />;
  return (
    <a href={addressOf(filtered(q, d as Filter, raw))}>
      <Short text={value} most={Math.max(32, 160 / q.by.length)} />
    </a>
  );
}

function valueOf(row: Total, d: Dimension): string {
  if (d === "asn") return network(row.asn, row.as_name);
  return String(row[d] ?? "");
}

/** The same as JSON and as CSV. */
function Links({ q, answer }: { q: Question; answer: Answer | string | undefined }) {
  const found = typeof answer === "object" ? (answer.rows ?? answer.reports ?? answer.errors?.errors) : undefined;
  const save = () => {
    if (found === undefined) return;
    const link = document.createElement("a");
    link.href = `data:text/csv;charset=utf-8,${encodeURIComponent(listCSV(found))}`;
    link.download = `heliograph-${q.show ?? "requests"}.csv`;
    link.click();
  };
  return (
    <span class="actions">
      <a href={pathFor(q, most)}>JSON</a>{" "}
      <button type="button" disabled={found === undefined} onClick={save}>
        CSV
      </button>
    </span>
  );
}
