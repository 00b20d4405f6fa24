import type { Curve as CurveData, Dimension, Total } from "../../api.gen.ts";
import { fetchCurve, fetchTotals, Refused } from "../../ask.ts";
import { Curve } from "../../curve/curve.tsx";
import { count, network, plural, share } from "../../format.ts";
import { query } from "../../router.ts";
import { useAsked } from "../../ui/asked.ts";
import { NumberHead, Panel } from "../../ui/parts.tsx";
import { Form } from "./form.tsx";
import { csv, names, queryFor, questionOf, type Question } from "./question.ts";

interface Answer {
  q: Question; // what was asked, which may be another question than the present one
  rows: Total[];
  suppressed: number;
  curve: CurveData;
}

/** Requests by any dimension, with filters; the address says what is asked. */
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
  const asked = queryFor(q);
  const curve = new URLSearchParams(asked);
  curve.delete("by");
  try {
    const [totals, found] = await Promise.all([fetchTotals(`${asked}&limit=200`), fetchCurve(curve.toString())]);
    return { q, ...totals, curve: found };
  } catch (fault) {
    if (fault instanceof Refused) return fault.message;
    throw fault;
  }
}

function Found({ answer }: { answer: Answer }) {
  const { q } = answer;
  return (
    <>
      <Curve curve={answer.curve} label="Part of the requests that failed" />
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
          {answer.rows.map((row) => (
            <tr key={q.by.map((d) => valueOf(row, d)).join(" ")}>
              {q.by.map((d) => (
                <td key={d} class="anywhere">
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
      {answer.rows.length === 0 && answer.suppressed === 0 && <p class="empty">Nothing of that was reported in the last {q.since}.</p>}
      {answer.suppressed > 0 && <p class="muted">{plural(answer.suppressed, "row")} of too few clients not shown</p>}
    </>
  );
}

/** A value; outcomes and targets lead to what is only of them. */
function Value({ q, d, row }: { q: Question; d: Dimension; row: Total }) {
  const value = valueOf(row, d);
  if ((d !== "type" && d !== "target") || value === "" || value === "ok") return <>{value || "–"}</>;
  return <a href={`#/explore?${queryFor({ ...q, [d]: value })}`}>{value}</a>;
}

function valueOf(row: Total, d: Dimension): string {
  if (d === "asn") return network(row.asn, row.as_name);
  return String(row[d] ?? "");
}

/** The same as JSON and as CSV. */
function Links({ q, answer }: { q: Question; answer: Answer | string | undefined }) {
  const save = () => {
    if (typeof answer !== "object") return;
    const head = [...answer.q.by, "failed", "ok", "clients"];
    const lines = answer.rows.map((row) => [...answer.q.by.map((d) => String(row[d] ?? "")), row.failed, row.ok, row.clients]);
    const link = document.createElement("a");
    link.href = `data:text/csv;charset=utf-8,${encodeURIComponent(csv([head, ...lines]))}`;
    link.download = "heliograph.csv";
    link.click();
  };
  return (
    <span class="actions">
      <a href={`/api/v1/totals?${queryFor(q)}`}>JSON</a>{" "}
      <button type="button" disabled={typeof answer !== "object"} onClick={save}>
        CSV
      </button>
    </span>
  );
}
