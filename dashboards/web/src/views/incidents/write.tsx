// What all forms share by which operators do something about an incident.
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import type { Me, NewNote } from "../../api.gen.ts";
import { addNote } from "../../ask.ts";

/** Who writes, where nobody logs in; once typed, it is in all forms. */
const writer = signal("");

/** Asks who writes, unless the server knows. */
export function WhoField({ me }: { me: Me }) {
  if (me.how !== "local") return null;
  return (
    <label>
      Who <input value={writer.value} onInput={(event) => (writer.value = event.currentTarget.value)} autocomplete="name" />
    </label>
  );
}

/** Sends notes on an incident; fault says why the last one was not taken. */
export function useWriting(incident: number, reload: () => void) {
  const [fault, setFault] = useState("");
  const send = async (note: Omit<NewNote, "who">): Promise<boolean> => {
    let refused: string | undefined = "the server does not answer";
    try {
      refused = await addNote(incident, { ...note, who: writer.value });
    } catch {
      // it is said below
    }
    setFault(refused ?? "");
    reload();
    return refused === undefined;
  };
  return { send, fault };
}

export function Fault({ text }: { text: string }) {
  if (text === "") return null;
  return (
    <p class="bad-text" role="alert">
      {text}
    </p>
  );
}
