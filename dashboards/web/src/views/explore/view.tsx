import { useEffect, useState } from "preact/hooks";
import type { Curve as CurveData, Dimension, Total } from "../../api.gen.ts";
import { fetchCurve, fetchTotals } from "../../ask.ts";
import { Curve } from "../../curve/curve.tsx";
import { count, network, plural, share } from "../../format.ts";
import { query } from "../../router.ts";
import { Panel } from "../../ui/parts.tsx";
import { Form } from "./form.tsx";
import { csv, queryFor, questionOf, type Question } from "./question.ts";

interface Answer {
  rows: Total[];
  suppressed: number;
  curve: CurveData;
}

/** Requests by any dimension, with filters; the address says what is asked. */
export function Explore() {
  const q = questionOf(query.value);
  const asked = queryFor(q);
  const [answer, setAnswer] = useState<Answer | "fails" | undefined>(undefined);
  useEffect(() => {
    let current = true;
    const curve = new URLSearchParams(asked);
    curve.delete("by");
    Promise.all([fetchTotals(`${asked}&limit=200`), fetchCurve(curve.toString())]).then(
      ([totals, found]) => current && setAnswer({ ...totals, curve: found }),
      () => current && setAnswer("fails"),
    );
    return () => {
      current = false;
    };
  }, [asked]);
  return (
    <div class="explore">
      <Panel id="explore" title="Explore" note={<Links q={q} answer={answer} />}>
        <Form q={q} />
        {answer === "fails" && <p class="bad-text">This is not answered: ask for less time or fewer dimensions, and see that the outcome is one.</p>}
        {answer !== undefined && answer !== "fails" && <Found q={q} answer={answer} />}
      </Panel>
    </div>
  );
}

function Found({ q, answer }: { q: Question; answer: Answer }) {
  return (
    <>
      <Curve curve={answer.curve} label="Part of the requests that failed" />
      <table>
        <thead>
          <tr>
            {q.by.map((d) => (
              <th key={d} scope="col">
                {d}
              </th>
            ))}
            <th scope="col" class="number">
              Failed
            </th>
            <th scope="col" class="number">
              Share
            </th>
            <th scope="col" class="number wide">
              Requests
            </th>
            <th scope="col" class="number wide">
              Clients
            </th>
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
function Links({ q, answer }: { q: Question; answer: Answer | "fails" | undefined }) {
  const save = () => {
    if (answer === undefined || answer === "fails") return;
    const head = [...q.by, "failed", "ok", "clients"];
    const lines = answer.rows.map((row) => [...q.by.map((d) => String(row[d] ?? "")), row.failed, row.ok, row.clients]);
    const link = document.createElement("a");
    link.href = `data:text/csv;charset=utf-8,${encodeURIComponent(csv([head, ...lines]))}`;
    link.download = "heliograph.csv";
    link.click();
  };
  return (
    <span class="actions">
      <a href={`/api/v1/totals?${queryFor(q)}`}>JSON</a>{" "}
      <button type="button" onClick={save}>
        CSV
      </button>
    </span>
  );
}
