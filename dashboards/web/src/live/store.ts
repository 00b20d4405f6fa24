// What the page knows, as signals: one for each section of the stream, which the server reads and
// sends only while a part of the page shows it.
import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import type { Clock, Section, Snapshot, Trouble } from "../api.gen.ts";
import { loginWanted } from "../ask.ts";
import { SharedStream } from "./shared.ts";
import type { Status } from "./stream.ts";

/** What a section holds. */
export type Data<S extends Section> = NonNullable<Snapshot[S]>;

export const status = signal<Status>({ kind: "connecting" });

/** Since when the detector's store cannot be read; null while it can. */
export const trouble = signal<Trouble | null>(null);

/** Now by the server's clock, Unix ms, once a second: the reader's own clock may be wrong. */
export const now = signal(Date.now());

const known = new Map<Section, Signal<unknown>>();
const watched = new Map<Section, number>();

function signalOf(name: Section): Signal<unknown> {
  let s = known.get(name);
  if (s === undefined) known.set(name, (s = signal<unknown>(undefined)));
  return s;
}

/** A section's signal; undefined until somebody watches it and it came. */
export function section<S extends Section>(name: S): ReadonlySignal<Data<S> | undefined> {
  return signalOf(name) as ReadonlySignal<Data<S> | undefined>;
}

/** A section's data, kept up to date while the component is mounted. */
export function useSection<S extends Section>(name: S): Data<S> | undefined {
  useWatch(name);
  return section(name).value;
}

/** Has a section's data kept up to date while the component is mounted, without reading it. */
export function useWatch(name: Section): void {
  useLayoutEffect(() => watch(name), [name]);
}

/** Has a section sent until the function that it returns is called. */
export function watch(name: Section): () => void {
  watched.set(name, (watched.get(name) ?? 0) + 1);
  plan();
  return () => {
    watched.set(name, (watched.get(name) ?? 1) - 1);
    plan();
  };
}

let planned = false;

/** Adapts the stream once all parts of the page have said what they show. */
function plan(): void {
  if (planned) return;
  planned = true;
  setTimeout(() => {
    planned = false;
    const wanted = [...watched].filter(([, n]) => n > 0).map(([name]) => name);
    for (const [name, s] of known) {
      if (!wanted.includes(name)) s.value = undefined; // what it was then is not what it is now
    }
    stream.follow(wanted);
  });
}

const stream = new SharedStream({
  onStatus(next) {
    status.value = next;
  },
  onEvent(name, data) {
    if (name === "snapshot") {
      for (const [member, value] of Object.entries(data as Snapshot)) receive(member, value);
    } else {
      receive(name, data);
    }
  },
  onLoggedOut() {
    void loginWanted().then((wanted) => wanted && location.reload());
  },
});

function receive(name: string, data: unknown): void {
  if (name === "clock") setClock((data as Clock).now);
  else if (name === "trouble") trouble.value = data as Trouble | null;
  else signalOf(name as Section).value = data;
}

let offset = 0;

function setClock(serverNow: string): void {
  offset = Date.parse(serverNow) - Date.now();
  tick();
}

function tick(): void {
  now.value = Date.now() + offset;
}

/** Tries to connect at once instead of at the time planned. */
export function retryNow(): void {
  stream.retry();
}

/** Has the other pages of the browser look whether they are logged out, too. */
export function tellLoggedOut(): void {
  stream.loggedOut();
}

/** Joins the other pages of the browser, and lets the clock tick. */
export function start(): void {
  stream.join();
  // Browsers may keep a page that was left, or let one sleep: others shall not wait for it.
  addEventListener("pagehide", () => stream.leave());
  document.addEventListener("freeze", () => stream.leave());
  addEventListener("pageshow", (event) => {
    if (event.persisted) stream.join();
  });
  document.addEventListener("resume", () => stream.join());
  document.addEventListener("visibilitychange", () => stream.look());
  setInterval(tick, 1000);
}
