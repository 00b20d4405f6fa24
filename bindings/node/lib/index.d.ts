/**
 * What a user allows: nothing; how many requests ended how; also a few failures and errors in
 * detail, scrubbed.
 */
export type Consent = "off" | "counts" | "diagnostics";

export interface Options {
  /** The application's name. */
  app: string;
  /** The application's version. */
  version?: string;
  /** The operator's signed policy: the name of its file, or its bytes. */
  policy: string | Uint8Array;
  /**
   * Where reports wait, sealed: a directory that processes of the application may share, such as
   * {@link spoolDir}.
   */
  spool: string;
  /**
   * Left out: the user has not been asked, and nothing is recorded or touched. "off" also deletes
   * what an earlier consent left.
   */
  consent?: Consent;
  /** Requests to leave out. */
  ignore?: (url: string) => boolean;
  /**
   * Whether to capture exceptions that nobody catches, and rejections that end the program; true
   * if left out.
   */
  exceptions?: boolean;
  /**
   * Milliseconds for which the end of the program may wait until what it has seen is sealed and
   * delivered; 2000 if left out.
   */
  exitTimeout?: number;
}

export interface Observation {
  url: string;
  /** A word of W3C Network Error Logging; left out: it follows from error, else from status. */
  outcome?: string;
  /** What the request threw. */
  error?: unknown;
  status?: number;
  /** Milliseconds. */
  elapsed?: number;
  method?: string;
  /** ALPN id, "http/1.1". */
  protocol?: string;
  /** Address and port that was tried last. */
  server?: string;
  /** The request's header of W3C Trace Context. */
  traceparent?: string;
}

/** What a collector has confirmed, for the user. */
export interface Sent {
  at: number;
  collector: string;
  url: string;
  batch: string;
  bytes: number;
  born: number;
  /** Whether this process can tell what was in it. */
  known: boolean;
  diagnostics: boolean;
  requests: { target: string; outcome: string; count: number }[];
  samples: string[];
  errors: string[];
  more: number;
  /** All of it in English. */
  text: string;
}

/** What the agent has done so far. Empty while its thread does not run. */
export interface Stats {
  consent?: number;
  /** The user's consent, lowered by the policy. */
  inForce?: number;
  policy?: number;
  observed?: number;
  errors?: number;
  sealed?: number;
  delivered?: number;
  attempts?: number;
  pending?: number;
  pendingBytes?: number;
  dropped?: Record<string, number>;
  [name: string]: unknown;
}

/** The agent. None of its methods throws because of what it could not record. */
export interface Heliograph {
  /** Why nothing is reported, or "". */
  readonly trouble: string;
  /**
   * Applies the user's choice. After "off" what waited is deleted when the promise is fulfilled.
   */
  setConsent(consent: Consent): Promise<void>;
  /** Counts a request that no hook sees. */
  observe(observation: Observation): void;
  /** Records an error that the program has caught. */
  captureError(error: unknown): void;
  /**
   * Seals and tries to deliver for some milliseconds, 5000 if left out. Answers how many reports
   * wait still.
   */
  flush(milliseconds?: number): Promise<number>;
  /** What has left this device in the last 30 days. */
  sent(): Promise<Sent[]>;
  stats(): Promise<Stats>;
  /** Seals, tries to deliver, and ends the agent. */
  stop(): Promise<void>;
}

/**
 * Starts the agent, and never throws: trouble says what is wrong. There is one in a process: a
 * second start returns the first. In a worker thread it passes what that thread sees to the main
 * thread's agent.
 */
export function start(options: Options): Heliograph;

/** The directory for an application's spool where the user's caches are. */
export function spoolDir(app: string): string;

/** The outcome of a request that threw this error. */
export function outcomeOf(error: unknown): string;
