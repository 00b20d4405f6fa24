// One stream for all pages of a browser: browsers open six connections to a server over HTTP/1.1,
// and a seventh page would wait for ever. The pages elect a leader, which holds a lock (Web Locks),
// has the stream, and passes what comes on to the others (BroadcastChannel). When the leader is
// closed the browser gives the lock to the next. When it does not answer, a page that somebody looks
// at takes the lock away from it. Where a browser has neither, as on plain HTTP to another host than
// localhost, each page has a stream of its own.
import { sections as known, type Clock, type Section } from "../api.gen.ts";
import { Stream, type Status, type StreamEvents } from "./stream.ts";

/** What a page says. */
interface FromPage {
  from: string;
  /** What it shows; absent when it leaves. It is also the question whether there is a leader. */
  sections?: Section[];
  /** Somebody wants to connect at once. */
  retry?: true;
  /** Somebody has logged out. */
  loggedOut?: true;
}

/** What the leader says: to all, or what a page lacks. Each is an answer to the pages' question. */
interface FromLeader {
  /** Rises with each leader. */
  term: number;
  status: Status;
  to?: string;
  name?: string;
  data?: unknown;
}

/** Pages share a stream if they know the same sections: others may run an older program. */
const group = `heliograph stream 1: ${known.join()}`;

/** How often a page that is seen asks, and how long it waits for an answer, in ms. */
const askEveryMS = 5000;
const answerMS = 10_000;

/** A page that has said nothing since so many clocks (a clock comes every 15 s) is gone. */
const mostMissed = 4;

/** What of a browser the pages need to share a stream. */
export interface Means {
  locks: Pick<LockManager, "request">;
  channel: (name: string) => Pick<BroadcastChannel, "postMessage" | "close" | "onmessage">;
  /** Whether somebody may see the page. */
  seen: () => boolean;
}

/** What this browser has of it. */
function meansHere(): Means | undefined {
  if (typeof document === "undefined" || typeof BroadcastChannel === "undefined" || !("locks" in navigator)) return undefined;
  return { locks: navigator.locks, channel: (name) => new BroadcastChannel(name), seen: () => document.visibilityState === "visible" };
}

export interface SharedEvents extends StreamEvents {
  /** Somebody has logged out in another page. */
  onLoggedOut(): void;
}

export class SharedStream {
  readonly #stream: Stream;
  readonly #id = Math.random().toString(36).slice(2);
  #channel: ReturnType<Means["channel"]> | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #wanted: Section[] = [];
  #status: Status = { kind: "connecting" };

  #leads = false;
  /** The highest that was heard of. */
  #term = 0;
  /** The place in the queue for the lock, or the lock; undefined for a page that has left. */
  #turn: AbortController | undefined;
  #release: () => void = () => {};
  /** Since when a question has no answer, Unix ms. */
  #askedAt: number | undefined;
  /** When the stream brought something last, here or to the leader, Unix ms. */
  #heardAt = Infinity;

  /** What other pages show, and how many clocks ago each said so. */
  readonly #others = new Map<string, { sections: Section[]; missed: number }>();
  /** What the stream brought last, by member, while this page leads; and when the clock came. */
  readonly #last = new Map<string, unknown>();
  #clockAt = 0;

  constructor(
    private readonly events: SharedEvents,
    private readonly means: Means | undefined = meansHere(),
  ) {
    this.#stream = new Stream({ onEvent: (name, data) => this.#came(name, data), onStatus: (status) => this.#became(status) });
    if (means === undefined) this.#leads = true;
  }

  /** Shares the stream with the other pages, until leave is called. */
  join(): void {
    if (this.#turn !== undefined) return;
    if (this.#status.kind === "live") this.#became({ kind: "connecting" }); // what is shown is from before it left
    if (this.means === undefined) return this.#stream.connect();
    this.#channel = this.means.channel(group);
    this.#channel.onmessage = ({ data }: MessageEvent<FromPage | FromLeader>) => ("from" in data ? this.#heardPage(data) : this.#heardLeader(data));
    this.#timer = setInterval(() => this.look(), askEveryMS);
    void this.#queue();
    this.#ask();
  }

  /** Gives the stream to another page. */
  leave(): void {
    this.#post({ from: this.#id });
    this.#channel?.close();
    this.#channel = undefined;
    clearInterval(this.#timer);
    this.#turn?.abort();
    this.#turn = undefined;
    this.#others.clear();
    this.#askedAt = undefined;
    if (this.means === undefined) this.#stream.close();
    else this.#stepDown();
  }

  /** Has some sections sent. */
  follow(sections: Section[]): void {
    const lacks = sections.filter((section) => !this.#wanted.includes(section));
    this.#wanted = sections;
    if (!this.#leads) return this.#ask();
    this.#adapt();
    // The stream says nothing anew of what another page shows already.
    if (lacks.some((section) => this.#last.has(section))) this.#deliver("snapshot", this.#stateOf(lacks));
  }

  /** Connects at once instead of at the time planned. */
  retry(): void {
    if (this.#leads) this.#stream.connect();
    else this.#post({ from: this.#id, sections: this.#wanted, retry: true });
  }

  /** Tells the other pages that somebody has logged out. */
  loggedOut(): void {
    this.#post({ from: this.#id, sections: this.#wanted, loggedOut: true });
  }

  /** Sees to it that there is a leader, if the page is seen. Timers of hidden pages come late. */
  look(): void {
    if (this.means?.seen() === false) return;
    if (this.#leads) this.#stream.catchUp();
    else if (this.#turn === undefined) return;
    else if (this.#askedAt !== undefined && Date.now() - this.#askedAt > answerMS) this.#steal();
    else this.#ask();
  }

  #post(message: FromPage | FromLeader): void {
    this.#channel?.postMessage(message);
  }

  #ask(): void {
    if (this.#leads || this.#channel === undefined) return;
    this.#askedAt ??= Date.now();
    this.#post({ from: this.#id, sections: this.#wanted });
  }

  /** Waits for the lock, and again whenever it was taken away. */
  async #queue(steal = false): Promise<void> {
    const turn = (this.#turn = new AbortController());
    try {
      await this.means!.locks.request(group, steal ? { steal } : { signal: turn.signal }, () => (turn === this.#turn ? this.#lead() : undefined));
    } catch (error) {
      if (turn !== this.#turn) return;
      if ((error as Error).name !== "AbortError") return void this.#lead(); // there are no locks: a stream of its own
    }
    if (turn !== this.#turn) return;
    this.#stepDown();
    void this.#queue();
    this.#ask();
  }

  #steal(): void {
    const before = this.#turn;
    void this.#queue(true);
    before?.abort();
    this.#askedAt = undefined;
  }

  /** Leads until the promise that it returns is resolved, or the lock is taken away. */
  #lead(): Promise<void> {
    this.#leads = true;
    this.#term = Math.max(this.#term, Date.now()) + Math.random();
    this.#askedAt = undefined;
    for (const other of this.#others.values()) other.missed = 0;
    this.#tell({});
    this.#adapt();
    return new Promise((resolve) => (this.#release = resolve));
  }

  #stepDown(): void {
    if (!this.#leads) return;
    this.#leads = false;
    this.#stream.follow(undefined);
    this.#last.clear();
    this.#release();
  }

  /** Follows what all pages show. */
  #adapt(): void {
    const all = new Set(this.#wanted);
    for (const { sections } of this.#others.values()) for (const section of sections) all.add(section);
    for (const name of this.#last.keys()) if (known.includes(name as Section) && !all.has(name as Section)) this.#last.delete(name);
    this.#stream.follow(all.size === 0 ? undefined : `/api/v1/stream?sections=${[...all].sort().join()}`);
  }

  #tell(message: Omit<FromLeader, "term" | "status">): void {
    this.#post({ term: this.#term, status: this.#status, ...message });
  }

  /** The stream has an event. */
  #came(name: string, data: unknown): void {
    this.#heardAt = Date.now();
    for (const [member, value] of name === "snapshot" ? Object.entries(data as object) : [[name, data] as const]) {
      this.#last.set(member, value);
      if (member === "clock") this.#clockAt = Date.now();
    }
    if (this.#others.size > 0) this.#tell({ name, data });
    this.#deliver(name, data);
    if (name !== "clock") return;
    for (const [id, other] of this.#others) if (++other.missed > mostMissed) this.#others.delete(id);
    this.#adapt();
  }

  /** The stream's status, or what the leader says of it. */
  #became(next: Status): void {
    const before = this.#status;
    // What is shown is as old as what was heard last: a page, or its computer, may have slept
    // since. Another leader may have lost the connection later.
    const since = before.kind === "lost" ? before.since : this.#heardAt;
    this.#status = next.kind === "lost" ? { ...next, since: Math.min(since, next.since) } : next;
    if (this.#leads) this.#tell({});
    this.events.onStatus(this.#status);
  }

  /** Passes on what of an event this page shows. */
  #deliver(name: string, data: unknown): void {
    const shown = (member: string) => !known.includes(member as Section) || this.#wanted.includes(member as Section);
    if (name === "snapshot") this.events.onEvent(name, Object.fromEntries(Object.entries(data as object).filter(([member]) => shown(member))));
    else if (shown(name)) this.events.onEvent(name, data);
  }

  #heardPage({ from, sections, retry, loggedOut }: FromPage): void {
    if (loggedOut) this.events.onLoggedOut();
    const before = this.#others.get(from);
    if (sections === undefined) this.#others.delete(from);
    else this.#others.set(from, { sections, missed: 0 });
    if (!this.#leads) return;
    if (retry) this.#stream.connect();
    else this.#stream.catchUp();
    this.#adapt();
    if (sections === undefined) return;
    const lacks = sections.filter((section) => !before?.sections.includes(section));
    this.#tell(lacks.length === 0 ? { to: from } : { to: from, name: "snapshot", data: this.#stateOf(lacks) });
  }

  /** What is known of some sections, as a snapshot. */
  #stateOf(sections: Section[]): object {
    const state: Record<string, unknown> = {};
    for (const member of [...sections, "trouble"]) if (this.#last.has(member)) state[member] = this.#last.get(member);
    const clock = this.#last.get("clock") as Clock | undefined;
    if (clock !== undefined) state.clock = { now: new Date(Date.parse(clock.now) + Date.now() - this.#clockAt).toISOString() } satisfies Clock;
    return state;
  }

  #heardLeader({ term, status, to, name, data }: FromLeader): void {
    if (term < this.#term) return; // it was away, and does not know yet that another one leads
    const another = term > this.#term;
    this.#term = term;
    if (this.#leads) this.#stepDown();
    this.#askedAt = undefined;
    if (name !== undefined && status.kind === "live") this.#heardAt = Date.now();
    if (JSON.stringify(status) !== JSON.stringify(this.#status)) this.#became(status);
    if (name !== undefined && (to === undefined || to === this.#id)) this.#deliver(name, data);
    if (another || name === "clock") this.#ask(); // so that it knows what is shown here
  }
}
