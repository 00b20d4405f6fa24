/** How much a user allows. "off": nothing is counted, stored or sent; what was kept is deleted. */
export type Consent = "off" | "counts" | "diagnostics";

export interface Options {
  /** The application's name, 1 to 256 bytes. */
  app: string;
  /** The application's version. */
  version?: string;
  /** The operator's signed policy: its bytes, or the URL of the file. */
  policy: string | URL | Uint8Array;
  /**
   * The user's choice as the application saved it. Give it only once it is known: "off" is a
   * refusal, which deletes what an earlier consent left behind. Left out: not asked yet. Nothing is
   * recorded and nothing is touched until setConsent. Any other text, or null, is like left out, so
   * that what localStorage says can be given as it is.
   */
  consent?: Consent | (string & {}) | null | undefined;
  /**
   * The directory that serves heliograph.worker.js and heliograph.wasm, on the page's origin. By
   * default the module's own.
   */
  assets?: string | URL;
  /** How many of the minutes without any failure are reported, 0 to 1; 0.05 when left out. */
  successFraction?: number;
  /** Requests to leave out, by their absolute URL. */
  ignore?: (url: string) => boolean;
  /** Errors of the application to leave out. */
  ignoreError?: (error: PageError) => boolean;
  /**
   * Errors to leave out because they are not the application's: those one of these matches as
   * "type: message". The exported list noise when left out.
   */
  noise?: readonly RegExp[];
  /** Is told each change of the agent's state, for a debug page. */
  onstatus?: (status: Status) => void;
}

/** An error as the page saw it, before anything is scrubbed. It stays in the page. */
export interface PageError {
  /** The error's name; "extension TypeError" if a browser extension's script threw it. */
  type: string;
  message: string;
  stack: string;
}

export interface Status {
  /**
   * "off": no consent. "waiting": recording, and nothing to report yet. "loading": the worker
   * starts. "running": the worker seals and delivers. "blocked": the browser or the configuration
   * does not let the worker start; nothing is recorded until the page is loaded again.
   */
  state: "off" | "waiting" | "loading" | "running" | "blocked";
  /** Why it is blocked, or why the last start failed. */
  reason?: "csp" | "wasm" | "policy" | "worker" | "start";
  /** The same in words. */
  text?: string;
  /** Of the worker, once it runs. */
  agent?: AgentStats | undefined;
}

/** A request that the application made by other means than fetch and XMLHttpRequest. */
export interface Observation {
  /** Absolute, http, https, ws or wss. */
  url: string;
  /** "ok", or a word of Network Error Logging's vocabulary, such as "network.failed". */
  outcome: string;
  /** HTTP status. */
  status?: number;
  method?: string;
  /** How long it took, in milliseconds. */
  elapsed?: number;
}

/**
 * One report that a collector confirmed, in the user's terms. Times are in milliseconds since 1970.
 */
export interface SentReport {
  /** When the collector confirmed it. */
  at: number;
  /** The collector's id and address. */
  collector: string;
  url: string;
  /** The report's id, in hexadecimal. */
  batch: string;
  /** Size on the wire. */
  bytes: number;
  /** When the report was begun. */
  born: number;
  /**
   * false: another tab sealed it, so that nobody here can say what is in it, and what
   * follows is empty.
   */
  known: boolean;
  /** Whether it was recorded under "diagnostics". */
  diagnostics: boolean;
  requests: { target: string; outcome: string; count: number }[];
  /** Single requests: method, scrubbed URL, outcome. */
  samples: string[];
  errors: string[];
  /** Lines left out because there were too many. */
  more: number;
  /** All of it in plain words. */
  text: string;
}

/** What the agent in the worker tells of itself. */
export interface AgentStats {
  /**
   * The user's consent and the one in force, which the policy may have lowered: 0 off, 1 counts,
   * 2 diagnostics.
   */
  consent: number;
  inForce: number;
  /** Version of the policy in force. */
  policy: number;
  observed: number;
  errors: number;
  windows: number;
  /** Windows without a failure that the policy's coin fell against. */
  sampledOut: number;
  sealed: number;
  delivered: number;
  deliveredBytes: number;
  attempts: number;
  /** Sealed reports that no collector has confirmed yet, of all tabs. */
  pending: number;
  pendingBytes: number;
  /** Lost records by reason. */
  dropped: Record<string, number>;
  /** Faults of the agent's own. */
  panics: number;
  /** Messages from the page that made no sense. */
  refused: number;
  /** "memory": the browser gives the page no IndexedDB, so that reports do not outlive the tab. */
  storage: "indexeddb" | "memory";
  /** There is neither consent nor anything left to do. */
  done: boolean;
}

export interface Stats extends Status {
  /** Requests seen in this page since consent. */
  observed: number;
  /** Requests and errors of this page that were dropped because too many waited for the worker. */
  dropped: number;
}

/** The agent in this page. No method throws. */
export interface Heliograph {
  /** The user's new choice. It counts from now on; "off" deletes. */
  setConsent(level: Consent): void;
  /** Counts one request of the application's own. */
  observe(observation: Observation): void;
  /** Reports an error that the application caught. */
  captureError(error: unknown): void;
  /**
   * Seals what is open and tries to deliver it. It resolves when that was tried, at the latest
   * after 30 s.
   */
  flush(): Promise<void>;
  /** What left this device in the last 30 days, the oldest first. */
  sent(): Promise<SentReport[]>;
  /** What the agent has done in this page. */
  stats(): Promise<Stats>;
  /**
   * Ends recording in this page and takes the hooks off again. What is sealed stays for the
   * next page.
   */
  stop(): void;
}

/**
 * Starts the agent. It never throws. There is one agent in a page: while one runs, start returns
 * that one and does nothing else.
 */
export declare function start(options: Options): Heliograph;

/**
 * The errors that are left out when the option noise is: notifications of ResizeObserver, "Script
 * error." without more, and what browser extensions throw. To add to them: noise:
 * [...noise, /^AbortError/].
 */
export declare const noise: RegExp[];
