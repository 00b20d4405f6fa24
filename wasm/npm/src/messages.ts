// What page and worker tell each other. Rows are arrays, because thousands of them may be cloned
// in a burst.

import type { AgentStats } from "./heliograph.d.ts";

/** Levels as numbers, as package report has them. */
export type Level = 0 | 1 | 2;

/** Flag of a request: the network changed between the request and its report. */
export const flagNetworkChanged = 2;

/** Scheme, host, outcome, protocol, status, flags. */
type Key = [scheme: string, host: string, outcome: string, protocol: string, status: number, flags: number];

/** trace is the request's traceparent header; left out: there is none. */
export type ObserveRow = [...Key, start: number, elapsed: number, method: string, url: string, trace?: string | null];
/**
 * bucket is the one of a histogram in package report that has the durations of all of them. One
 * that is not above 0 says that they are unknown.
 */
export type CountRow = [...Key, bucket: number, count: number];
export type Frame = [func: string, file: string, line: number];

export interface CountsMessage {
  t: "counts";
  /** Of the window, in milliseconds since 1970. */
  start: number;
  end: number;
  /** The chance with which this window was kept, in parts per million; 0: it was certain. */
  ppm: number;
  list: CountRow[];
}

export interface ErrorMessage {
  t: "error";
  /** As package report numbers them: 1 is an error. */
  kind: 1;
  type: string;
  message: string;
  /**
   * As the browser tells it: the worker's script makes frames of it, the page has better
   * things to do.
   */
  stack: string;
  at: number;
}

export interface InitMessage {
  t: "init";
  app: string;
  version: string;
  consent: Level;
  policy: string | Uint8Array;
  wasm: string;
  db: string;
}

export type ToWorker =
  | InitMessage
  | CountsMessage
  | ErrorMessage
  | { t: "observe"; list: ObserveRow[] }
  | { t: "lost"; count: number }
  | { t: "consent"; level: Level }
  | { t: "network" | "hide" | "stop" }
  | { t: "flush" | "sent" | "stats"; id: number };

/** ToCore is what the worker's script passes on to the Go program. */
export type ToCore = Exclude<ToWorker, InitMessage | ErrorMessage> | (InitMessage & { os: string }) | (Omit<ErrorMessage, "stack"> & { frames: Frame[] });

/** What fetch sends an upload with when the page ends: its options, and the address. */
export interface Parcel {
  url: string;
  body: ArrayBuffer | Uint8Array;
  method: "POST";
  headers: Record<string, string>;
  keepalive: true;
  credentials: "omit";
  referrerPolicy: "no-referrer";
  redirect: "error";
}

export type Reason = "csp" | "wasm" | "policy" | "worker" | "start";

export type FromWorker =
  | { t: "ready" }
  /** again: it may work later, a download failed. */
  | { t: "failed"; reason: Reason; text: string; again?: boolean }
  | { t: "reply"; id: number; value?: unknown; error?: string }
  | { t: "parcels"; list: Parcel[] }
  | ({ t: "status" } & AgentStats);
