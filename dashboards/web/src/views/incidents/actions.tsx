import { useState } from "preact/hooks";
import type { IncidentPage } from "../../api.gen.ts";
import { fetchText, incidentMarkdown } from "../../ask.ts";

/** What can be done with the page: link, print, Markdown. */
export function Actions({ page }: { page: IncidentPage }) {
  const [said, setSaid] = useState("");
  const markdown = incidentMarkdown(page.incident.id);
  const copy = async (text: string | Promise<string>, what: string) => {
    try {
      await navigator.clipboard.writeText(await text);
      setSaid(`${what} copied`);
    } catch {
      setSaid("the browser does not let this page copy");
    }
  };
  return (
    <span class="actions">
      <span aria-live="polite">{said}</span>{" "}
      <button type="button" onClick={() => void copy(location.href, "Link")}>
        Copy link
      </button>{" "}
      <button type="button" onClick={() => void copy(fetchText(markdown), "Markdown")}>
        Copy Markdown
      </button>{" "}
      <a href={markdown}>Markdown</a>{" "}
      <button type="button" onClick={() => print()}>
        Print
      </button>
    </span>
  );
}
