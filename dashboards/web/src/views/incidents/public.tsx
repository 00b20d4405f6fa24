import { useState } from "preact/hooks";
import type { Incident, IncidentPage, Me, Note, NoteKind } from "../../api.gen.ts";
import { clock, inert, listed } from "../../format.ts";
import { now } from "../../live/store.ts";
import { Panel } from "../../ui/parts.tsx";
import { useMe } from "../../ui/who.tsx";
import { namesIn } from "./names.ts";
import { Fault, useWriting, WhoField } from "./write.tsx";

const mostNames = 8;

/** What the public reads about an incident, and the form by which operators tell it. */
export function Public({ page, reload }: { page: IncidentPage; reload: () => void }) {
  const me = useMe();
  const told = toldNow(page.incident.notes ?? []);
  const operator = me?.role === "operator" ? me : undefined;
  if (told.length === 0 && operator === undefined) return null;
  const last = told.at(-1);
  const state = last === undefined ? "nothing is told" : last.kind === "resolved" || page.incident.until !== undefined ? "shown as resolved" : "shown as going on";
  return (
    <Panel id="public" title="Status page" note={state}>
      <ul>
        {told.map((note) => (
          <li key={note.number}>
            {clock(Date.parse(note.at), now.value)} <span class="muted">{note.who}</span> {note.kind === "resolved" && <b>resolved</b>} {inert(note.text)}
          </li>
        ))}
      </ul>
      {page.status_page === undefined ? (
        <p class="empty">No status page is set up: what is told here waits until there is one.</p>
      ) : (
        <p>
          The public reads it at{" "}
          <a href={page.status_page} rel="noreferrer">
            {page.status_page}
          </a>{" "}
          within a minute.
        </p>
      )}
      {operator && <Form page={page} me={operator} told={told} reload={reload} />}
    </Panel>
  );
}

/** What the public reads now: all since it was last taken off the status page. */
function toldNow(notes: Note[]): Note[] {
  const off = notes.findLastIndex((note) => note.kind === "private");
  return notes.slice(off + 1).filter((note) => note.kind === "public" || note.kind === "resolved");
}

function Form({ page, me, told, reload }: { page: IncidentPage; me: Me; told: Note[]; reload: () => void }) {
  const [text, setText] = useState("");
  const { send, fault } = useWriting(page.incident.id, reload);
  const tell = async (kind: NoteKind) => {
    if (await send({ kind, text: kind === "private" ? "" : text })) setText("");
  };
  const names = namesIn(text, page.names);
  const resolved = told.at(-1)?.kind === "resolved";
  return (
    <form class="deed-form public-form" onSubmit={(event) => (event.preventDefault(), void tell("public"))}>
      <WhoField me={me} />
      <label class="words">
        In plain words, for people who know nothing of your network
        <textarea rows={2} value={text} placeholder={example(page.incident)} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      {names.length > 0 && (
        <p class="names" role="status">
          This names {listed(names, mostNames)}. Everybody will read it.
        </p>
      )}
      <button disabled={text.trim() === ""}>{told.length === 0 ? "Tell the public" : "Add an update"}</button>
      {told.length > 0 && !resolved && (
        <button type="button" onClick={() => void tell("resolved")}>
          Tell that it is over
        </button>
      )}
      {told.length > 0 && (
        <button type="button" onClick={() => void tell("private")}>
          Take it off the page
        </button>
      )}
      <Fault text={fault} />
    </form>
  );
}

/** What might be told, without a name. It is only shown, never sent. */
function example(incident: Incident): string {
  return incident.until === undefined ? "Some of you cannot reach us at the moment. We are working on it." : "Everything works again.";
}
