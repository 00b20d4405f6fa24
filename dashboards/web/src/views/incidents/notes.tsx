import { useState } from "preact/hooks";
import type { Incident, Me, Note, NoteKind } from "../../api.gen.ts";
import { clock, inert, plural } from "../../format.ts";
import { now } from "../../live/store.ts";
import { Panel } from "../../ui/parts.tsx";
import { useMe } from "../../ui/who.tsx";
import { Fault, useWriting, WhoField } from "./write.tsx";

/** What people wrote and did, and a form for those who may. */
export function Notes({ incident, reload }: { incident: Incident; reload: () => void }) {
  const me = useMe();
  const notes = incident.notes ?? [];
  const may = me?.role === "operator";
  if (notes.length === 0 && !may) return null;
  return (
    <Panel id="notes" title="Notes" note={incident.acknowledged ? "acknowledged" : "nobody has acknowledged it"}>
      <ul>
        {notes.map((note) => (
          <li key={note.number}>
            <NoteLine note={note} />
          </li>
        ))}
      </ul>
      {incident.notes_dropped !== undefined && <p class="muted">{plural(incident.notes_dropped, "older act")} not kept, because of so many later ones.</p>}
      {may && <Form incident={incident} me={me} reload={reload} />}
    </Panel>
  );
}

function NoteLine({ note }: { note: Note }) {
  return (
    <>
      {clock(Date.parse(note.at), now.value)} <b>{note.who || "somebody"}</b>
      {deeds[note.kind] && ` ${deeds[note.kind]}`}
      {note.text && `: ${inert(note.text)}`}
    </>
  );
}

/** What a note says that somebody did; nothing if it is only a text. */
const deeds: Record<NoteKind, string> = {
  note: "",
  ack: "acknowledged it",
  mute: "muted it",
  unmute: "ended the mute",
  public: "told the public",
  resolved: "told the public that it is over",
  private: "took it off the status page",
};

function Form({ incident, me, reload }: { incident: Incident; me: Me; reload: () => void }) {
  const [text, setText] = useState("");
  const { send, fault } = useWriting(incident.id, reload);
  const write = async (kind: NoteKind) => {
    if (await send({ kind, text })) setText("");
  };
  return (
    <form class="deed-form note-form" onSubmit={(event) => (event.preventDefault(), void write("note"))}>
      <WhoField me={me} />
      <label>
        Note <input value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button disabled={text.trim() === ""}>Add note</button>
      {!incident.acknowledged && (
        <button type="button" onClick={() => void write("ack")}>
          Acknowledge
        </button>
      )}
      <Fault text={fault} />
    </form>
  );
}
