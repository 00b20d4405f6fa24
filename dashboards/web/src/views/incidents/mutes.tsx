import { useState } from "preact/hooks";
import type { Me, NewMute, ScopeMute } from "../../api.gen.ts";
import { addMute, endMute } from "../../ask.ts";
import { zone } from "../../format.ts";
import { timeOfInput } from "../../range.ts";
import { Panel } from "../../ui/parts.tsx";
import { useMe } from "../../ui/who.tsx";
import { utc } from "../../zone.ts";
import { MutedScopes } from "../mutes.tsx";
import { Fault, LengthField, lengths, useSending, WhoField } from "./write.tsx";

/** What is muted by scope, and the form by which operators plan work. */
export function Mutes() {
  const me = useMe();
  const operator = me?.role === "operator" ? me : undefined;
  return (
    <Panel id="mutes" title="Mutes" note="of servers, targets and networks">
      <MutedScopes deed={operator && ((mute) => <End mute={mute} />)} />
      {operator ? <Form me={operator} /> : <p class="empty">Operators mute what planned work touches.</p>}
    </Panel>
  );
}

function End({ mute }: { mute: ScopeMute }) {
  const { send, fault } = useSending();
  return (
    <>
      <button type="button" onClick={() => void send((who) => endMute(mute.number, who))}>
        End it
        <span class="visually-hidden"> for {mute.words}</span>
      </button>
      <Fault text={fault} />
    </>
  );
}

type Kind = "servers" | "target" | "app" | "asns" | "countries";

/** What may be muted, and an example of each. */
const kinds: [Kind, string, string][] = [
  ["servers", "Servers", "web-7, web-1*, 192.0.2.*, east/web"],
  ["target", "Target", "an origin, or *.shop.example"],
  ["asns", "Networks", "64501, 64502"],
  ["countries", "Countries", "DE, FR"],
  ["app", "Application", "shop"],
];

/** The part of a mute that a text stands for; undefined if it stands for none. */
export function scopeOf(kind: Kind, text: string): Partial<NewMute> | undefined {
  const values = text.split(",").map((value) => value.trim()).filter(Boolean);
  if (values.length === 0) return undefined;
  if (kind === "asns") {
    const asns = values.map((value) => Number(/^(?:AS)?(\d{1,10})$/i.exec(value)?.[1] ?? NaN));
    return asns.every((n) => n < 2 ** 32) ? { asns } : undefined;
  }
  if (kind === "countries") return { countries: values.map((value) => value.toUpperCase()) };
  if (kind === "servers") return { servers: values };
  return kind === "target" ? { target: text.trim() } : { app: text.trim() };
}

function Form({ me }: { me: Me }) {
  const [kind, setKind] = useState<Kind>("servers");
  const [what, setWhat] = useState("");
  const [reason, setReason] = useState("");
  const [start, setStart] = useState("");
  const [length, setLength] = useState(lengths[0]![0]);
  const { send, fault } = useSending();
  const scope = scopeOf(kind, what);
  const at = timeOfInput(start, utc.value);
  const wrongStart = at === undefined && !["", "now"].includes(start.trim());
  const wrongScope = scope === undefined && what.trim() !== "";
  const mute = async () => {
    if (scope === undefined) return;
    const begins = at === undefined ? {} : { start: new Date(at).toISOString() };
    if (await send((who) => addMute({ ...scope, ...begins, reason, for: length, who }))) {
      setWhat("");
      setReason("");
      setStart("");
    }
  };
  return (
    <details class="mute">
      <summary>Mute servers, targets or networks, now or for planned work</summary>
      <p class="muted">
        Nobody is told of an incident that hits nothing else, except that it is over. One that hits more alerts as ever. If it still goes on when the mute ends,
        everybody is told.
      </p>
      <form class="deed-form scope-form" onSubmit={(event) => (event.preventDefault(), void mute())}>
        <WhoField me={me} />
        <label class="narrow">
          What{" "}
          <select value={kind} onChange={(event) => setKind(event.currentTarget.value as Kind)}>
            {kinds.map(([kind, words]) => (
              <option key={kind} value={kind}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>
            Which{wrongScope && <small class="bad-text">: {kind === "asns" ? "not numbers of networks" : "nothing is named"}</small>}
          </span>
          <input
            value={what}
            placeholder={kinds.find(([k]) => k === kind)?.[2]}
            aria-invalid={wrongScope ? "true" : undefined}
            onInput={(event) => setWhat(event.currentTarget.value)}
          />
        </label>
        <label>
          Why <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
        </label>
        <label class="narrow begins">
          <span>
            Begins ({zone(at ?? Date.now())}){wrongStart && <small class="bad-text">: not a time</small>}
          </span>
          <input value={start} placeholder="now, or 2026-11-30 22:00" aria-invalid={wrongStart ? "true" : undefined} onInput={(event) => setStart(event.currentTarget.value)} />
        </label>
        <LengthField length={length} choose={setLength} />
        <button disabled={scope === undefined || reason.trim() === "" || wrongStart}>Mute</button>
        <Fault text={fault} />
      </form>
    </details>
  );
}
