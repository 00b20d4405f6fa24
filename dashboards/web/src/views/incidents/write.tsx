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

/** Sends what somebody does, who must be told; fault says why the last deed was not taken. */
export function useSending(reload?: () => void) {
  const [fault, setFault] = useState("");
  const send = async (deed: (who: string) => Promise<string | undefined>): Promise<boolean> => {
    let refused: string | undefined = "the server does not answer";
    try {
      refused = await deed(writer.value);
    } catch {
      // it is said below
    }
    setFault(refused ?? "");
    reload?.();
    return refused === undefined;
  };
  return { send, fault };
}

/** Sends notes on an incident. */
export function useWriting(incident: number, reload: () => void) {
  const { send, fault } = useSending(reload);
  return { send: (note: Omit<NewNote, "who">) => send((who) => addNote(incident, { ...note, who })), fault };
}

/** How long a mute may last, as the server takes it; the first is chosen unless somebody chooses. */
export const lengths: [string, string][] = [["1h", "1 hour"], ["30m", "30 minutes"], ["4h", "4 hours"], ["12h", "12 hours"], ["1d", "a day"], ["3d", "3 days"], ["7d", "7 days"]];

export function LengthField({ length, choose }: { length: string; choose: (length: string) => void }) {
  return (
    <label class="narrow">
      How long{" "}
      <select value={length} onChange={(event) => choose(event.currentTarget.value)}>
        {lengths.map(([span, words]) => (
          <option key={span} value={span}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Fault({ text }: { text: string }) {
  if (text === "") return null;
  return (
    <p class="bad-text" role="alert">
      {text}
    </p>
  );
}
