// Code generated from dashboards/api by dashboards/internal/tsgen. DO NOT EDIT.

/** Incident is a span of time in which requests to one target failed abnormally. */
export interface Incident {
  id: number;
  /** One sentence: what, where, whom, how many. */
  title: string;
  /** The application; "heliograph" when a collector does not take reports. */
  app: string;
  target: string;
  /** Outcome of most of the failures. */
  outcome: string;
  /** Further outcomes of the same fault. */
  also: string[];
  scope: Scope;
  since: string;
  /** End of the last abnormal time; absent while the incident is open. */
  until?: string;
  /** Failures in the worst evaluation window. */
  failed: number;
  /** Requests in that window, failures among them. */
  requests: number;
  /** Failures that were to be expected there. */
  expected: number;
  /** Distinct clients with failures. */
  clients: number;
  /** Sentences, the strongest first. */
  evidence: string[];
}

/** Scope says whom an incident hits; when all lists are empty, everyone. */
export interface Scope {
  networks: Network[];
  countries: string[];
  /** Address and port. */
  servers: string[];
}

/** Network names an autonomous system. */
export interface Network {
  /** 0: unknown. */
  asn: number;
  /** Absent when unknown. */
  as_name?: string;
}

/** State is the state of everything in one word. */
export type State = "calm" | "unsure" | "degraded_delivery" | "incident" | "silent";

export const states: readonly State[] = ["calm", "unsure", "degraded_delivery", "incident", "silent"];

/** Now is the state of everything in one sentence, judged by the detector's thresholds. */
export interface Now {
  state: State;
  /** One sentence without a full stop. Its numbers change seldom, so it may be read aloud. */
  headline: string;
  /** Since when it is so; absent when that is not known. */
  since?: string;
  /** What it rests on, the most telling first. */
  why: string[];
}

/** Problem is the body of every error. */
export interface Problem {
  error: string;
  /** Name of the parameter at fault; absent when it is none. */
  parameter?: string;
  /** What the parameter may be; absent when there is no list. */
  allowed?: string[];
}

/** Reachability is a grid of origins and time. Column i begins at start + i × step_seconds. */
export interface Reachability {
  start: string;
  step_seconds: number;
  steps: number;
  /** Every origin, listed or not. */
  all: Columns;
  /** Those that fail now first, then the busiest. */
  origins: Origin[];
  /** How many origins there are. */
  origin_count: number;
  /** How all of them fare now. */
  recent: Recent;
  /** End of the last column in which anything was heard; absent when nothing was. */
  heard?: string;
}

/** Columns has one value per column; 0 and 0 where nothing was heard. */
export interface Columns {
  ok: number[];
  failed: number[];
}

/** Origin is one row of the grid: a network that clients come from. */
export interface Origin extends Network, Columns {
  recent: Recent;
}

/** Recent sums the last columns in which anything was heard. */
export interface Recent {
  ok: number;
  failed: number;
  /** So many fail that it deserves a look. */
  failing: boolean;
}

/** Report is one sample: a request, or a group of application errors. */
export interface Report {
  /** When it ended. */
  at: string;
  /** Outcome; below "app" or "browser" for application errors. */
  type: string;
  /**
   * Phase in which the request ended: "dns", "connection" or "application"; absent for an error.
   */
  phase?: string;
  /** Name that the application gave itself; of browsers' own reports the browser's. */
  app: string;
  version?: string;
  os?: string;
  /** Who reports: "agent", "browser" or "prober". */
  source: string;
  /** Origin of the URL. */
  target: string;
  method: string;
  /** Scrubbed where it was recorded; of an application error the page's, or empty. */
  url: string;
  /** Status of HTTP; absent when there was none. */
  status?: number;
  /** ALPN id, such as "h2". */
  protocol?: string;
  /** Address and port that was tried last. */
  server?: string;
  /** Autonomous system of the client; 0: unknown. */
  asn: number;
  as_name?: string;
  country?: string;
  /** Milliseconds that the request took. */
  elapsed_ms: number;
  /** 32 hexadecimal digits; absent without one. */
  trace_id?: string;
  /** Of application errors only, as all that follow. */
  error_type?: string;
  /** Scrubbed where it was recorded; absent without consent to diagnostics. */
  message?: string;
  /** A line per call, the innermost first. */
  stack?: string;
  /** 32 hexadecimal digits that are the same for errors that are one problem. */
  fingerprint?: string;
  /** How many errors the report tells of. */
  count?: number;
}

/** ServerState is what probes say of a server. */
export type ServerState = "up" | "down" | "unknown";

export const serverStates: readonly ServerState[] = ["up", "down", "unknown"];

/** ServerCounts counts servers by state. */
export interface ServerCounts {
  count: number;
  up: number;
  down: number;
  unknown: number;
}

/**
 * ServersSummary is what the stream says of servers. The tags are opaque and change when what
 * they name does.
 */
export interface ServersSummary extends ServerCounts {
  /** Last change of any state; absent before the first. */
  changed?: string;
  /** Tag of the groups and names. */
  topology: string;
  /** Tag of the states: of the bits and of the picture. */
  states: string;
}

/** Servers is the summary with the groups, and some of the servers. */
export interface Servers extends ServersSummary {
  data_centres: DataCentre[];
  servers: Server[];
}

/** Row is a group of servers, those from index first on. */
export interface Row extends ServerCounts {
  name: string;
  first: number;
}

/** Cluster is a group of rows. */
export interface Cluster extends Row {
  rows: Row[];
}

/** DataCentre is a group of clusters. */
export interface DataCentre extends Row {
  clusters: Cluster[];
}

/** Server is one server: what probes say of it, and what clients met there. */
export interface Server {
  index: number;
  name: string;
  address?: string;
  data_centre?: string;
  cluster?: string;
  row?: string;
  state: ServerState;
  /** Since when it is in this state; absent when it never changed. */
  since?: string;
  /** Requests of clients that succeeded there; absent when none reported. */
  ok?: number;
  /** Requests of clients that failed there; absent when none reported. */
  failed?: number;
}

/** Section is a part of the stream that a reader may ask for. */
export type Section = "now" | "totals" | "incidents" | "servers" | "reachability" | "reports";

export const sections: readonly Section[] = ["now", "totals", "incidents", "servers", "reachability", "reports"];

/**
 * Snapshot is the first event of a stream. A section that was not asked for is absent. Later
 * events carry one member each, by its name.
 */
export interface Snapshot {
  clock: Clock;
  /** Null while the store can be read. */
  trouble: Trouble | null;
  now?: Now;
  totals?: Totals;
  incidents?: Incident[];
  servers?: ServersSummary;
  reachability?: Reachability;
  reports?: Report[];
}

/** Clock tells the server's time, by which the reader says how long ago something was. */
export interface Clock {
  now: string;
}

/** Trouble says that what the stream sends is old. */
export interface Trouble {
  /** Since when the store cannot be read. */
  since: string;
}

/** Dimension is what requests are grouped by. */
export type Dimension = "type" | "app" | "target" | "asn" | "country" | "server" | "protocol" | "status" | "source";

export const dimensions: readonly Dimension[] = ["type", "app", "target", "asn", "country", "server", "protocol", "status", "source"];

/**
 * Total is one row of totals: the dimensions that were asked for, and sums. A dimension that was
 * not asked for is absent.
 */
export interface Total {
  /** Outcome in the words of Network Error Logging; "ok" when answered. */
  type?: string;
  /** Name that the application gave itself. */
  app?: string;
  /** Origin of the request; of a delivery "collector:" and the collector's id. */
  target?: string;
  /** Autonomous system of the clients; 0: unknown. */
  asn?: number;
  /** Name of that network; absent when unknown. */
  as_name?: string;
  /** Two letters; "ZZ": unknown. */
  country?: string;
  /** Address and port that was tried last; "": unknown. */
  server?: string;
  /** ALPN id, such as "h2"; "": the request did not get that far. */
  protocol?: string;
  /** Status of HTTP; 0: none. */
  status?: number;
  /** Who reports: "agent", "browser" or "prober". */
  source?: string;
  /** Requests that succeeded. */
  ok: number;
  /** Requests that did not. */
  failed: number;
  /** Distinct clients; a client counts anew every UTC day. */
  clients: number;
}

/** Totals is what the page shows of totals. */
export interface Totals {
  /** How far back the sums reach. */
  window_seconds: number;
  outcomes: Total[];
  /** The first 200 networks, those with most failures first. */
  networks: Total[];
  /** How many networks there are. */
  network_count: number;
  /** Deliveries of reports. */
  collectors: CollectorTotal[];
}

/** CollectorTotal sums the deliveries to one collector, as agents tell of them. */
export interface CollectorTotal extends Total {
  /** The collector takes fewer batches than it fails; see Now. */
  failing: boolean;
}
