import type { CollectedField, CollectedRecord } from "../../api.gen.ts";
import { fetchCollected } from "../../ask.ts";
import { useAsked } from "../../ui/asked.ts";
import { Panel } from "../../ui/parts.tsx";

/** All that reports of users contain, from the types of which they are made. */
export function Collected() {
  const [all] = useAsked(fetchCollected, []);
  if (all === undefined) return null;
  return (
    <div class="settings collected">
      <Panel id="never" title="What is collected" note={<a href="#/settings">Settings</a>}>
        <p>
          For users who ask. Nothing is recorded without consent. With <b>counts</b> only sums are; with <b>diagnostics</b> also a few failed requests and the
          messages of errors. What is recorded is sealed on the device: only the operator of the service can read it. The lists below are made from the program
          itself.
        </p>
        <h3>Never collected</h3>
        <ul class="dots">
          {all.never.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      </Panel>
      {all.records.map((record) => (
        <Record key={record.title} record={record} />
      ))}
    </div>
  );
}

function Record({ record }: { record: CollectedRecord }) {
  return (
    <Panel id={record.title.toLowerCase().replaceAll(/[^a-z]+/g, "-")} title={record.title} note={record.why}>
      <dl>
        {record.fields.map((f) => (
          <Field key={f.name} field={f} />
        ))}
      </dl>
    </Panel>
  );
}

function Field({ field: f }: { field: CollectedField }) {
  return (
    <div>
      <dt>
        <code>{f.name.slice(f.name.indexOf(".") + 1)}</code>
      </dt>
      <dd>
        {f.text} {f.consent === "diagnostics" && <b>Only with diagnostics.</b>}
      </dd>
    </div>
  );
}
