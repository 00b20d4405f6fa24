// What the page knows, as signals. The stream writes them, the components read them.
import { computed, signal } from "@preact/signals";
import type { Snapshot } from "./api.ts";
import { overall } from "./overall.ts";
import { Stream, type Status } from "./stream.ts";

export const snapshot = signal<Snapshot | undefined>(undefined);
export const status = signal<Status>({ kind: "connecting" });

/** Now by the server's clock, Unix ms, once a second: the reader's own clock may be wrong. */
export const now = signal(Date.now());

export const state = computed(() => {
  const s = snapshot.value;
  if (s === undefined) return undefined;
  return overall(s.totals, s.incidents, s.servers, s.reachability, now.value);
});

let offset = 0;

const stream = new Stream("/api/v1/stream", {
  onStatus(next) {
    status.value = next;
  },
  onEvent(name, data) {
    if (name === "snapshot") {
      snapshot.value = data as Snapshot;
      setClock((data as Snapshot).clock.now);
    } else if (name === "clock") {
      setClock((data as { now: string }).now);
    } else if (snapshot.value !== undefined) {
      snapshot.value = { ...snapshot.value, [name]: data };
    }
  },
});

function setClock(serverNow: string): void {
  offset = Date.parse(serverNow) - Date.now();
  tick();
}

function tick(): void {
  now.value = Date.now() + offset;
}

/** Tries to connect at once instead of at the time planned. */
export function retryNow(): void {
  stream.connect();
}

export function start(): void {
  setInterval(tick, 1000);
  stream.connect();
}
