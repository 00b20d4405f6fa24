import { useState } from "preact/hooks";
import type { Incident, Me } from "../../api.gen.ts";
import { moment, zone } from "../../format.ts";
import { now } from "../../live/store.ts";
import { Long } from "../../ui/long.tsx";
import { useMe } from "../../ui/who.tsx";
import { Fault, LengthField, lengths, useWriting, WhoField } from "./write.tsx";

/** Whether alerts of an incident are muted, and the way to change that for those who may. */
export function Muting({ incident, reload }: { incident: Incident; reload: () => void }) {
  const me = useMe();
  const { muted } = incident;
  const operator = me?.role === "operator" ? me : undefined;
  if (muted === undefined) return operator && incident.until === undefined ? <Mute incident={incident} me={operator} reload={reload} /> : null;
  const until = Date.parse(muted.until);
  return (
    <div class="muted-until" role="status">
      <p>
        <b>
          Muted until {moment(until, now.value)} {zone(until)}
        </b>{" "}
        by {muted.who || "somebody"}: <Long text={muted.reason} />
      </p>
      {muted.number !== undefined ? (
        <p>
          A mute by scope covers it: <a href="#/incidents">all mutes</a>
        </p>
      ) : (
        operator && <Unmute incident={incident} reload={reload} />
      )}
    </div>
  );
}

function Unmute({ incident, reload }: { incident: Incident; reload: () => void }) {
  const { send, fault } = useWriting(incident.id, reload);
  return (
    <>
      <button type="button" class="unmute" onClick={() => void send({ kind: "unmute", text: "" })}>
        Let alerts go on
      </button>
      <Fault text={fault} />
    </>
  );
}

function Mute({ incident, me, reload }: { incident: Incident; me: Me; reload: () => void }) {
  const [reason, setReason] = useState("");
  const [length, setLength] = useState(lengths[0]![0]);
  const { send, fault } = useWriting(incident.id, reload);
  return (
    <details class="mute">
      <summary>Mute alerts of this incident</summary>
      <p class="muted">Nobody is told of it meanwhile, except that it is over. If it still goes on when the mute ends, everybody is told again.</p>
      <form class="deed-form mute-form" onSubmit={(event) => (event.preventDefault(), void send({ kind: "mute", text: reason, for: length }))}>
        <WhoField me={me} />
        <label>
          Why <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
        </label>
        <LengthField length={length} choose={setLength} />
        <button disabled={reason.trim() === ""}>Mute</button>
        <Fault text={fault} />
      </form>
    </details>
  );
}
