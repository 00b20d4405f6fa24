// The live connection: server-sent events with a reconnect of our own, because EventSource gives up
// for good on an HTTP error and never notices a connection that died without a word.

import { sections, type Section } from "../api.gen.ts";

export type Status =
  | { kind: "connecting" }
  | { kind: "live" }
  | { kind: "lost"; since: number; retryAt: number };

export interface StreamEvents {
  /** An event came; data is its parsed JSON. */
  onEvent(name: string, data: unknown): void;
  onStatus(status: Status): void;
}

const names: (Section | "snapshot" | "clock" | "trouble")[] = ["snapshot", "clock", "trouble", ...sections];

/**
 * The server says something at least every 15 s; after three times that the connection
 * counts as dead.
 */
const silenceMS = 45_000;

/**
 * Milliseconds before try n (from 0): 1 s doubling to 30 s, with jitter from 0 to 1 so that many
 * pages do not return at once.
 */
export function retryDelay(n: number, jitter: number): number {
  return Math.min(30_000, 1000 * 2 ** Math.min(n, 10)) * (0.5 + 0.5 * jitter);
}

export class Stream {
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  /** When the timers are due, Unix ms. */
  #retryAt = Infinity;
  #silentAt = Infinity;
  #tries = 0;
  #lostSince = 0;
  #url: string | undefined;

  constructor(private readonly events: StreamEvents) {}

  /** Follows another URL, if it is another; none: rests. */
  follow(url: string | undefined): void {
    if (url === this.#url) return;
    this.#url = url;
    if (url === undefined) this.#tries = this.#lostSince = 0;
    this.connect();
  }

  /** Connects at once, and again whenever the connection is lost. */
  connect(): void {
    this.close();
    if (this.#url === undefined) return;
    const source = new EventSource(this.#url);
    this.#source = source;
    source.onerror = () => this.#lost();
    for (const name of names) {
      source.addEventListener(name, (event) => {
        this.#heard(name);
        this.events.onEvent(name, JSON.parse((event as MessageEvent<string>).data));
      });
    }
    this.#watch();
  }

  close(): void {
    this.#source?.close();
    this.#source = undefined;
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
    this.#retryAt = this.#silentAt = Infinity;
  }

  /** Does what is overdue: browsers hold back the timers of hidden pages. */
  catchUp(): void {
    const now = Date.now();
    if (now >= this.#retryAt) this.connect();
    else if (now >= this.#silentAt) this.#lost();
  }

  #heard(name: string): void {
    this.#watch();
    if (name !== "snapshot") return;
    this.#tries = 0;
    this.#lostSince = 0;
    this.events.onStatus({ kind: "live" });
  }

  #watch(): void {
    clearTimeout(this.#watchdog);
    this.#silentAt = Date.now() + silenceMS;
    this.#watchdog = setTimeout(() => this.#lost(), silenceMS);
  }

  #lost(): void {
    this.close();
    const now = Date.now();
    this.#lostSince ||= now;
    const delay = retryDelay(this.#tries++, Math.random());
    this.#retryAt = now + delay;
    this.#timer = setTimeout(() => this.connect(), delay);
    this.events.onStatus({ kind: "lost", since: this.#lostSince, retryAt: this.#retryAt });
  }
}
