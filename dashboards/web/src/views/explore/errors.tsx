import type { AppError } from "../../api.gen.ts";
import { clock, count } from "../../format.ts";
import { now } from "../../live/store.ts";
import { Short } from "../../ui/long.tsx";
import { NumberHead } from "../../ui/parts.tsx";
import { addressOf } from "./form.tsx";
import type { Question } from "./question.ts";

/** Two columns of versions have room on a phone. */
const mostVersion = 30;

/** Causes of application errors, with the releases that they were first and last seen in. */
export function ErrorTable({ q, errors }: { q: Question; errors: AppError[] }) {
  const at = (time: string) => clock(Date.parse(time), now.value);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Error</th>
          <th scope="col" class="wide">
            Application
          </th>
          <th scope="col">New in</th>
          <th scope="col">Last seen in</th>
          <NumberHead>Errors</NumberHead>
          <NumberHead wide>Clients</NumberHead>
        </tr>
      </thead>
      <tbody>
        {errors.map((e) => (
          <tr key={`${e.app} ${e.fingerprint}`}>
            <th scope="row" class="anywhere">
              <a href={addressOf({ ...q, show: "samples", type: "", text: `fingerprint:${e.fingerprint}` })}><Short text={e.error_type || e.type} most={60} /></a>{" "}
              <a href={addressOf({ ...q, fingerprint: e.fingerprint })} title={`Only the cause with the fingerprint ${e.fingerprint}`}>
                <code>{e.fingerprint.slice(0, 8)}</code>
              </a>
            </th>
            <td class="wide anywhere">
              <a href={addressOf({ ...q, app: e.app })}>
                <Short text={e.app} most={60} />
              </a>
            </td>
            <td class="anywhere">
              <Short text={e.first_version || "–"} most={mostVersion} /> <span class="muted">{at(e.first)}</span>
            </td>
            <td class="anywhere">
              <Short text={e.last_version || "–"} most={mostVersion} /> <span class="muted">{at(e.last)}</span>
            </td>
            <td class="number">{count(e.count)}</td>
            <td class="number wide">{count(e.clients)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
