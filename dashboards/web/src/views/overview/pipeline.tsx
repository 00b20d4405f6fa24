import type { Part } from "../../api.gen.ts";
import { useSection } from "../../live/store.ts";
import { Long } from "../../ui/long.tsx";
import { Panel, Since } from "../../ui/parts.tsx";

const kinds: Record<Part["kind"], string> = { detector: "Detector", collector: "Collector", vantage: "Prober's vantage" };
const words: Record<Part["state"], string> = { works: "works", impaired: "impaired", fails: "fails" };

/** Whether what watches works itself: detector, collectors, vantages of probers. */
export function Pipeline() {
  const parts = useSection("parts");
  if (parts === undefined || parts.length === 0) return null;
  const failing = parts.filter((part) => part.state !== "works").length;
  return (
    <Panel id="pipeline" title="What watches" note={failing === 0 ? "all works" : `${failing} of ${parts.length} do not work as they should`}>
      <ul class="pipeline">
        {[...parts].sort((a, b) => Number(a.state === "works") - Number(b.state === "works")).map((part) => (
          <li key={`${part.kind} ${part.name}`} class={part.state}>
            <b>
              {kinds[part.kind]} <Long text={part.name} />
            </b>{" "}
            <span class={part.state === "works" ? "muted" : "bad-text"}>{words[part.state]}</span>
            {part.since !== undefined && (
              <>
                {" "}
                <Since at={Date.parse(part.since)} />
              </>
            )}
            {part.text !== undefined && <p class="muted">
                <Long text={part.text} />
              </p>}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
