import { useState } from "preact/hooks";
import { count, inert, shortened } from "../format.ts";

/**
 * A text that clients, servers or operators of other systems wrote, of any length: long names are
 * cut in the middle, and a button shows all of it. It turns nothing that stands beside it.
 */
export function Long({ text, most }: { text: string; most?: number }) {
  const [all, setAll] = useState(false);
  const short = shortened(text, most);
  if (short === inert(text)) return <bdi>{short}</bdi>;
  return (
    <>
      <bdi class="cut">{all ? inert(text) : short}</bdi>{" "}
      <button type="button" class="all-of-it" aria-expanded={all} onClick={() => setAll(!all)}>
        {all ? "less" : `all ${count(text.length)} characters`}
      </button>
    </>
  );
}

/**
 * The same where no button may stand, in links and summaries: what they lead to shows all of it,
 * and so does a tip.
 */
export function Short({ text, most }: { text: string; most?: number }) {
  const short = shortened(text, most);
  if (short === inert(text)) return <bdi>{short}</bdi>;
  return (
    <bdi class="cut" title={inert(text)}>
      {short}
    </bdi>
  );
}
