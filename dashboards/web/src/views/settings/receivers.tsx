import { useState } from "preact/hooks";
import type { Receiver } from "../../api.gen.ts";
import { testReceiver } from "../../ask.ts";
import { Ago, Panel } from "../../ui/parts.tsx";
import { useMe } from "../../ui/who.tsx";

/** Who is alerted, and a button that shows whether that works. */
export function Receivers({ receivers, reload }: { receivers: Receiver[]; reload: () => void }) {
  const may = useMe()?.role === "operator";
  return (
    <Panel id="receivers" title="Alerts">
      {receivers.length === 0 ? (
        <p class="bad-text">
          Nobody is told of incidents: <code>alerts.receivers</code> is empty.
        </p>
      ) : (
        <ul>
          {receivers.map((r) => (
            <li key={r.name}>
              <Line receiver={r} />
              {may && <Test name={r.name} reload={reload} />}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Line({ receiver: r }: { receiver: Receiver }) {
  return (
    <p>
      <b>{r.name}</b> by {r.kind}
      {r.where.length > 0 && ` to ${r.where.join(", ")}`}, from {r.severity} on{r.quiet !== undefined && `, quiet ${r.quiet}`}{" "}
      <span class={r.result === undefined || r.result === "ok" ? "muted" : "bad-text"}>
        {r.tried === undefined ? (
          "nothing sent since the start"
        ) : (
          <>
            last message {r.result === "ok" ? "taken" : r.result} <Ago at={Date.parse(r.tried)} />
          </>
        )}
      </span>
    </p>
  );
}

function Test({ name, reload }: { name: string; reload: () => void }) {
  const [state, setState] = useState<{ busy?: true; text?: string; bad?: boolean }>({});
  const test = async () => {
    setState({ busy: true });
    setState(await testReceiver(name));
    reload();
  };
  return (
    <p>
      <button type="button" disabled={state.busy} onClick={() => void test()}>
        {state.busy ? "Sending …" : "Send a test"}
        <span class="visually-hidden"> to {name}</span>
      </button>{" "}
      <span role="status" class={state.bad ? "bad-text" : "muted"}>
        {state.text}
      </span>
    </p>
  );
}
