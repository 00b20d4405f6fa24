import { useState } from "preact/hooks";
import type { Incident, Me, Note, NoteKind } from "../../api.gen.ts";
import { addNote } from "../../ask.ts";
import { clock } from "../../format.ts";
import { now } from "../../live/store.ts";
import { Panel } from "../../ui/parts.tsx";
import { useMe } from "../../ui/who.tsx";

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
      {may && <Form incident={incident} me={me} reload={reload} />}
    </Panel>
  );
}

function NoteLine({ note }: { note: Note }) {
  return (
    <>
      {clock(Date.parse(note.at), now.value)} <b>{note.who || "somebody"}</b>
      {note.kind === "ack" && " acknowledged it"}
      {note.kind === "public" && " told the public"}
      {note.kind === "private" && " took it off the status page"}
      {note.text && `: ${note.text}`}
    </>
  );
}

function Form(props: { incident: Incident; me: Me; reload: () => void }) {
  const [text, setText] = useState("");
  const [who, setWho] = useState("");
  const [fault, setFault] = useState("");
  const send = async (kind: NoteKind) => {
    try {
      const refused = await addNote(props.incident.id, { kind, text, who });
      setFault(refused ?? "");
      if (refused === undefined) setText("");
    } catch {
      setFault("the server does not answer");
    }
    props.reload();
  };
  return (
    <form class="note-form" onSubmit={(event) => (event.preventDefault(), void send("note"))}>
      {props.me.how === "local" && (
        <label>
          Who <input value={who} onInput={(event) => setWho(event.currentTarget.value)} autocomplete="name" />
        </label>
      )}
      <label>
        Note <input value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button disabled={text.trim() === ""}>Add note</button>
      {!props.incident.acknowledged && (
        <button type="button" onClick={() => void send("ack")}>
          Acknowledge
        </button>
      )}
      {fault !== "" && (
        <p class="bad-text" role="alert">
          {fault}
        </p>
      )}
    </form>
  );
}
