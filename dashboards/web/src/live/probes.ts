// Why servers are down. The stream only says that a state changed; a server that is down for some
// is up on the map, so that the page also asks at times by itself.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Probed } from "../api.gen.ts";
import { fetchDown } from "../ask.ts";
import { section } from "./store.ts";

const most = 50;
const everyMS = 10_000;
const down = signal<Probed[]>([]);

/** The servers that are down for all or for some, kept up to date while a component is mounted. */
export function useDown(): Probed[] {
  const states = section("servers").value?.states;
  useEffect(() => {
    if (states === undefined) return;
    void load();
    const timer = setInterval(load, everyMS);
    return () => clearInterval(timer);
  }, [states]);
  return down.value;
}

async function load(): Promise<void> {
  try {
    const found = await fetchDown(most);
    if (JSON.stringify(found) !== JSON.stringify(down.peek())) down.value = found; // else nothing is drawn anew
  } catch {
    // Asked again soon; the header says when the detector does not answer.
  }
}
