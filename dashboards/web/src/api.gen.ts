// Code generated from dashboards/api by dashboards/internal/tsgen. DO NOT EDIT.

/** Trend says whether failures become more or fewer. */
export type Trend = "too_early" | "worse" | "steady" | "recovering" | "recovered";

export const trends: readonly Trend[] = ["too_early", "worse", "steady", "recovering", "recovered"];

/**
 * Curve shows how the requests of a target, or of the scope of an incident, fared over time.
 * Column i begins at start + i × step_seconds. Versions, operating systems and collectors in a
 * scope do not narrow it.
 */
export interface Curve extends Columns {
  start: string;
  step_seconds: number;
  /**
   * Origin of the requests; empty for all; for deliveries, "collector:" and the collector's id.
   */
  target: string;
  /** The incident whose scope this is; absent without one. */
  incident?: number;
  /** The part of the requests that normally fails. */
  normal: number;
  /** When the failures began; absent if nothing fails. */
  onset?: string;
  /** Absent if nothing fails. */
  trend?: Trend;
  /** When it began to recover, or had recovered; absent for other trends. */
  trend_since?: string;
  /** The part of the latest requests that failed. */
  ratio: number;
  /**
   * How many columns are not shown, because they are of too few clients; they are 0 as if nothing
   * was heard. Onset, trend and ratio count them.
   */
  suppressed: number;
}

/** GateState is what is known of a release. */
export type GateState = "worse" | "healthy" | "too_little";

export const gateStates: readonly GateState[] = ["worse", "healthy", "too_little"];

/** Gate is the comparison of a release of an application with another one. */
export interface Gate {
  /** "worse", "healthy" or "too_little" data to say either. */
  state: GateState;
  /** One sentence. */
  title: string;
  /** What was compared, failures first. */
  tests: GateMeasure[];
  /**
   * Whom a worse release hurts, where the difference is concentrated: an outcome, a target, an
   * operating system, a country or a network; or which answers are slow.
   */
  for: string[];
}

/** GateMeasure is the comparison of one kind of trouble, per request. */
export interface GateMeasure {
  /** "failures", "application_errors" or "slowness". */
  name: string;
  state: GateState;
  /** Estimated requests with the release, and with the other one. */
  requests: number;
  against_requests: number;
  /** Failures, errors or slow answers with the release, and with the other one. */
  troubles: number;
  against_troubles: number;
  /** By how much the share of troubled requests is higher, among the same networks. */
  difference: number;
  /** Limits of the difference. They hold at all times together, with the stated error. */
  low: number;
  high: number;
}

/** History has sums of requests by minute or hour. */
export interface History {
  /** Length of a step in seconds. */
  step_seconds: number;
  /** The sums, the earliest first. */
  rows: HistoryRow[];
  /** How many rows are not shown, because they are of fewer clients than `least_clients`. */
  suppressed: number;
  /** The least distinct clients of a row that is shown. */
  least_clients: number;
}

/**
 * HistoryRow is the sum of one group in one step: the selected facets, and sums. Other facets are
 * absent.
 */
export interface HistoryRow {
  /** Start of the step. */
  at: string;
  /** Name of the application. */
  app?: string;
  /** Version of the application; empty if unknown. */
  version?: string;
  /** Operating system. */
  os?: string;
  /** Origin of the request. */
  target?: string;
  /** Outcome; "ok" for success. */
  type?: string;
  /** Autonomous system of the clients; 0 if unknown. */
  asn?: number;
  /** Name of that network; absent if unknown. */
  as_name?: string;
  /** Two letters; "ZZ" if unknown. */
  country?: string;
  /** Kind of reporter: "agent", "browser" or "prober". */
  source?: string;
  /** Requests that succeeded. What one place reports counts up to ten usual places. */
  ok: number;
  /** Requests that failed, likewise. */
  failed: number;
  /** Requests that were reported; the others are estimated from these. */
  reports: number;
  /** Distinct clients, as they claim; a client counts again every UTC day. */
  clients: number;
}

/** AppErrors has causes of application errors. */
export interface AppErrors {
  /** The causes, those with the latest errors first. */
  errors: AppError[];
  /** How many causes are not shown, because fewer clients than `least_clients` reported them. */
  suppressed: number;
  /** The least distinct clients of a cause that is shown. */
  least_clients: number;
}

/** AppError is one cause of application errors, and where it was seen. */
export interface AppError {
  /** 32 hexadecimal digits, the same for errors with one cause. */
  fingerprint: string;
  /** Name of the application. */
  app: string;
  /** Type of the error. */
  error_type: string;
  /** Outcome, below "app" or "browser". */
  type: string;
  /** Times of the earliest and of the latest error. */
  first: string;
  last: string;
  /** The release that the error is new in. */
  first_version: string;
  /** The release that it was last seen in. */
  last_version: string;
  /** Number of errors. */
  count: number;
  /** Distinct clients among the reports that are stored. */
  clients: number;
}

/** IncidentPage is an incident with everything that is known around it. */
export interface IncidentPage {
  incident: Incident;
  /** What is at fault, in one sentence; absent if no verdict says it. */
  cause?: string;
  curve: Curve;
  /** What happened, what was judged, who was told and what people did, the earliest first. */
  timeline: Moment[];
  /**
   * Where requests failed, in its scope and its time: by network, by country, by server and by
   * protocol, most failures first, at most 12 of each.
   */
  cells: Total[];
  /** How many rows are not shown, because they are of too few clients. */
  suppressed: number;
  /** What else changed shortly before or meanwhile, the earliest first. */
  changes: Change[];
  /** What the probers hold now of the servers of the scope, or else of those that are down. */
  servers: Probed[];
  /** Other incidents with the same cause and scope, the newest first. */
  recurrences: Incident[];
  /** What to do; absent if no runbooks are configured. */
  runbook?: string;
  /** Where the public reads of incidents; absent if there is no status page. */
  status_page?: string;
  /**
   * Names of networks, servers and the like around the incident. Words for the public had better
   * not have them.
   */
  names: string[];
}

/** Moment is an entry of an incident's timeline. */
export interface Moment {
  at: string;
  /**
   * "onset", "recovering", "recovered" and "over" are of the fault; "judged", "reopened" and
   * "cleared" of the detector; "told", "updated", "reminded", "told_over", "not_told", "given_up"
   * and "elsewhere" of alerts; "ack", "mute", "mute_over", "unmute", "public", "resolved" and
   * "private" of people.
   */
  kind: string;
  /** One sentence without a full stop. */
  text: string;
  /** The receivers of alerts; absent for other kinds. */
  receivers?: string[];
}

/** Change is something that changed at the time of an incident. */
export interface Change {
  at: string;
  /** "release", "policy", "servers" or "incident". */
  kind: string;
  /** One sentence without a full stop. */
  text: string;
  /** The other incident; absent for other kinds. */
  incident?: number;
}

/** Incident is a period in which requests to one target failed abnormally. */
export interface Incident {
  id: number;
  /** One sentence: what fails, where, for whom and how often. */
  title: string;
  /** The application; "heliograph" if a collector does not accept reports. */
  app: string;
  target: string;
  /** Outcome of most of the failures. */
  outcome: string;
  /** Other outcomes of the same fault. */
  also: string[];
  /** The cause in one word; absent if a release without verdicts stored the incident. */
  verdict?: string;
  /** Whether the incident alerts people now. */
  page: boolean;
  /** Told by reports of the past; such an incident never alerts anybody. */
  late: boolean;
  /** The best explanation of who is affected. */
  scope: Scope;
  /** Further explanations, the best first. */
  others: Scope[];
  /** The part of the failures above the normal ones that Scope explains, 0 to 1. */
  share: number;
  /** Estimated start of the fault. */
  since: string;
  /** End of the incident; absent while it is open. */
  until?: string;
  /** How often the fault came back within an hour of its end. */
  reopened: number;
  /** Failures above the normal ones since the start. */
  severity: number;
  /** Failures in the worst minutes within the scope. */
  failed: number;
  /** Requests in these minutes, including failures. */
  requests: number;
  /** Failures that would have been normal in these minutes. */
  expected: number;
  /** Distinct clients with failures, as they call themselves. */
  clients: number;
  /** Distinct address prefixes that the failures were reported from; 0 if unknown. */
  buckets: number;
  /** Distinct networks that the failures were reported from; 0 if unknown. */
  networks: number;
  /** Sentences, the strongest evidence first. */
  evidence: string[];
  /** The same sentences with what they are about. */
  signals: Signal[];
  /** Somebody has taken the incident over; absent if not. */
  acknowledged?: boolean;
  /** Nobody is alerted of the incident now; absent if it is not muted. */
  muted?: Mute;
  /** What people did about it, the oldest first. */
  notes?: Note[];
  /**
   * How many acts (notes of other kinds than "note") are not kept, because there were too many
   * later ones.
   */
  notes_dropped?: number;
  /** Incidents of the same target and scope before it, the latest first, at most 5. */
  earlier?: number[];
}

/** Mute says that nobody is alerted of an incident for a while. */
export interface Mute {
  until: string;
  /** Empty if nobody said. */
  who: string;
  reason: string;
  /**
   * Number of the mute by scope that covers the incident; absent if it was muted itself, or the
   * same fault before.
   */
  number?: number;
}

/** Signal is one piece of evidence. */
export interface Signal {
  /** What it is about, in one word; absent if a release without codes stored it. */
  code?: string;
  /** One sentence. */
  text: string;
}

/**
 * Scope describes who is affected by an incident: the requests that have, for each list that is
 * not empty, one of its values. If all lists are empty, everyone is.
 */
export interface Scope {
  networks: Network[];
  countries: string[];
  /** Address and port. */
  servers: string[];
  /** Of the application. */
  versions: string[];
  /** Operating systems. */
  systems: string[];
  /** ALPN ids. */
  protocols: string[];
  /** HTTP statuses. */
  statuses: number[];
  /** Collectors that the reports came through. */
  collectors: string[];
}

/** Network names an autonomous system. */
export interface Network {
  /** 0 if unknown. */
  asn: number;
  /** Absent if unknown. */
  as_name?: string;
}

/** Me is who asks. */
export interface Me {
  name: string;
  /** "viewer" or "operator". */
  role: string;
  /** How the dashboard knows: "password", "proxy", "oidc", or "local" without a login. */
  how: string;
}

/** MuteState says whether a mute by scope mutes. */
export type MuteState = "holds" | "planned" | "over";

export const muteStates: readonly MuteState[] = ["holds", "planned", "over"];

/**
 * ScopeMute says that nobody is alerted of incidents within a scope for a time. An incident is
 * within it if all that the incident names lies within each part of the scope that is not empty.
 */
export interface ScopeMute {
  /** Ascending, above 0. */
  number: number;
  state: MuteState;
  /** The scope in words: "server web-* of https://shop.example". */
  words: string;
  /**
   * Patterns, in which * stands for any characters and ? for one; empty if it does not matter.
   */
  app: string;
  target: string;
  /** Patterns of addresses, hosts, names, or places such as "east/web". */
  servers: string[];
  networks: Network[];
  countries: string[];
  start: string;
  end: string;
  /** When it was made. */
  at: string;
  /** Who made it; empty if nobody said. */
  who: string;
  /** Whether the dashboard knows that person by a login. */
  known: boolean;
  reason: string;
  /** Whether somebody ended it before its time. */
  ended: boolean;
  /** Who did; absent if nobody did or said. */
  ended_by?: string;
}

/**
 * NewMute is the body of a request that adds a mute by scope. At least one part of the scope must
 * be given.
 */
export interface NewMute {
  /** Patterns, in which * stands for any characters and ? for one. */
  app?: string;
  target?: string;
  /** Patterns of addresses, hosts, names, or places such as "east/web". */
  servers?: string[];
  /** Numbers of autonomous systems. */
  asns?: number[];
  /** Two capital letters each. */
  countries?: string[];
  /** When it begins, at most 90 days ahead; now if absent. */
  start?: string;
  /** How long it lasts: a span of at most 7d; "1h" if absent. */
  for?: string;
  /** At most 2000 bytes; required. */
  reason: string;
  /** Who mutes, at most 100 bytes. It is ignored where people log in, because they are known. */
  who?: string;
}

/** EndMute is the body of a request that ends a mute by scope before its time. */
export interface EndMute {
  /**
   * Who ends it, at most 100 bytes. It is ignored where people log in, because they are known.
   */
  who?: string;
}

/** NoteKind says what a note is. */
export type NoteKind = "note" | "ack" | "public" | "resolved" | "private" | "mute" | "unmute";

export const noteKinds: readonly NoteKind[] = ["note", "ack", "public", "resolved", "private", "mute", "unmute"];

/** Note is what somebody did about an incident. */
export interface Note {
  /** Ascending, above 0. */
  number: number;
  at: string;
  /**
   * "note", or "ack": somebody has taken the incident over; "public": told on the status page;
   * "resolved": told there that it is over; "private": taken off it; "mute": nobody is alerted of
   * it until Until; "unmute": alerts go on.
   */
  kind: NoteKind;
  /** Who wrote it; empty if nobody said. */
  who: string;
  /** Whether the dashboard knows the writer by a login; otherwise the writer says so. */
  known: boolean;
  text: string;
  /** End of a mute; absent for other kinds. */
  until?: string;
}

/** NewNote is the body of a request that adds a note. */
export interface NewNote {
  /**
   * "note", "ack" to take the incident over, "mute" to have nobody alerted of it for a while,
   * "unmute" to end that, "public" to tell the public on the status page, "resolved" to tell it
   * that the incident is over, or "private" to take everything about it off that page.
   */
  kind: NoteKind;
  /** At most 2000 bytes; required for "note", "mute" and "public". */
  text: string;
  /** How long a mute lasts: a span of at most 7d; "1h" if absent. Only for "mute". */
  for?: string;
  /** Who writes, at most 100 bytes. It is ignored where people log in, because they are known. */
  who?: string;
}

/** State is the overall state in one word. */
export type State = "calm" | "unsure" | "degraded_delivery" | "incident" | "silent";

export const states: readonly State[] = ["calm", "unsure", "degraded_delivery", "incident", "silent"];

/** Now is the overall state in one sentence, judged by the detector's thresholds. */
export interface Now {
  state: State;
  /** One sentence without a full stop. It changes rarely enough to be read aloud. */
  headline: string;
  /** When the state began; absent if unknown. */
  since?: string;
  /** The reasons, the most important first. */
  why: string[];
  /** How many are hit; absent if nobody is, or nobody knows. */
  who?: string;
  /** The open incident that the headline is about; absent without one. */
  incident?: number;
  /** Whether it gets better; absent as long as nothing fails. */
  trend?: Trend;
  /** When it began to recover, or had recovered; absent for other trends. */
  trend_since?: string;
}

/**
 * Objective is the state of a service level objective: a share of a target's requests that should
 * succeed over 30 days or, with within_ms, a share of those that succeed that should be answered
 * in time.
 */
export interface Objective {
  target: string;
  /** Share of requests that should succeed, or should be answered in time. */
  share: number;
  /**
   * Longest time until the head of the response, in milliseconds; absent if the objective is that
   * requests succeed.
   */
  within_ms?: number;
  /**
   * Estimated requests within the 30 days; with within_ms, those that succeeded and whose
   * duration is known.
   */
  requests: number;
  /** Of these, those that failed; with within_ms, those that took longer. */
  failed: number;
  /** Share of the error budget that is left; negative if the objective was missed. */
  budget_left: number;
  /** The shortest window first. */
  burn: BurnRate[];
  /** "page" or "ticket"; absent if the budget lasts. */
  alert?: string;
  /** One sentence about the alert. */
  why?: string;
  /**
   * With within_ms, the times in milliseconds that 50, 95 and 99 % of the successful requests of
   * the last hour did not exceed, to within 4.4 %; absent if there were none.
   */
  p50_ms?: number;
  p95_ms?: number;
  p99_ms?: number;
}

/** BurnRate is how fast an error budget was spent within a window of time. */
export interface BurnRate {
  /** A span such as "5m0s" or "30d". */
  window: string;
  /** 1 spends the budget in exactly 30 days. */
  rate: number;
}

/** Part is a part of the way of reports that can fail by itself. */
export interface Part {
  /** "collector", "vantage" or "detector". */
  kind: string;
  /** Empty for the detector. */
  name: string;
  /** "works", "impaired" or "fails". */
  state: string;
  /** What is wrong and what to do about it; absent if nothing is. */
  text?: string;
  /** When the state began; absent if unknown. */
  since?: string;
}

/**
 * Probed is one server as the probers' vantages find it: for whom it is down, since when and why.
 */
export interface Probed {
  name: string;
  address?: string;
  kind: string;
  region?: string;
  data_centre?: string;
  cluster?: string;
  row?: string;
  /** For whom it is down: "global" (for all), "local" (for some), "up" or "unknown". */
  reach: string;
  /** When that began; absent if unknown. */
  since?: string;
  /** Why it is down, in words; absent if it is not. */
  why?: string;
  /** The latest of each vantage. */
  vantages: Finding[];
  /** When a vantage changed its mind, newest first; only for a single server. */
  changes?: Finding[];
}

/**
 * Finding is what one vantage found of a server. After Outcome, what an attempt that succeeded
 * found may be missing.
 */
export interface Finding {
  vantage: string;
  /** Autonomous system of the vantage; 0 if unknown. */
  asn: number;
  as_name?: string;
  /**
   * Two letters of the country that the vantage is in; absent unless dashboard.vantages names it.
   */
  country?: string;
  /** When the attempt ended. */
  at: string;
  /**
   * What the vantage holds of the server since then: "up", "down", "inconclusive" or
   * "maintenance".
   */
  judgement: string;
  /** When it began to hold that; absent if unknown. */
  since?: string;
  /** Whether this is too old to count. */
  expired?: boolean;
  outcome: string;
  /** The step in which the attempt ended, such as "connect". */
  phase?: string;
  /** The steps of the attempt, in order. */
  steps?: ProbeStep[];
  /** Address that was tried. */
  server?: string;
  /** IP version of the address, 4 or 6. */
  family?: number;
  /** ALPN id, such as "h2". */
  protocol?: string;
  /** HTTP status. */
  status?: number;
  /** Version of the prober. */
  version?: string;
}

/** ProbeStep is one step of an attempt. */
export interface ProbeStep {
  name: string;
  /** Duration in milliseconds. */
  ms: number;
}

/** Problem is the body of every answer that reports an error. */
export interface Problem {
  error: string;
  /** Name of the parameter at fault; absent if the fault is not in a parameter. */
  parameter?: string;
  /** Values that the parameter may have; absent if they cannot be listed. */
  allowed?: string[];
}

/**
 * Reachability is a grid of where requests come from, client networks or countries, and time.
 * Column i begins at start + i × step_seconds.
 */
export interface Reachability {
  start: string;
  step_seconds: number;
  steps: number;
  /** The sum over all origins, listed or not. */
  all: Columns;
  /**
   * The networks or countries, in the order that was asked for: those that fail now first, then
   * the busiest; or those with the greatest excess first.
   */
  origins: Origin[];
  /**
   * How many cells, of an origin in a column, are empty because they are of too few clients;
   * absent if 0.
   */
  suppressed?: number;
  /** Number of networks or countries, listed or not. */
  origin_count: number;
  /** The recent columns of all origins. */
  recent: Recent;
  /** End of the last column with requests; absent if there are none. */
  heard?: string;
}

/** Columns has one value per column in each list. Both are 0 if there were no requests. */
export interface Columns {
  ok: number[];
  failed: number[];
}

/** Origin is one row of the grid: a client network or a country. */
export interface Origin extends Network, Columns {
  /** Two letters, "ZZ" if unknown; absent for a network. */
  country?: string;
  /** The part of its requests that normally fails: of the columns before those that fail now. */
  normal: number;
  /** Failures beyond the normal ones, summed over the columns. */
  excess: number;
  recent: Recent;
}

/** Recent is the sum of the last columns with requests. */
export interface Recent {
  ok: number;
  failed: number;
  /** Enough requests fail to deserve attention. */
  failing: boolean;
}

/** Report is one sample: a request, or a group of application errors. */
export interface Report {
  /** End of the request, or time of the last error. */
  at: string;
  /** Outcome; below "app" or "browser" for application errors. */
  type: string;
  /**
   * Phase in which the request ended: "dns", "connection" or "application"; absent for an error.
   */
  phase?: string;
  /** Name of the application; for reports of a browser on its own, the browser. */
  app: string;
  version?: string;
  os?: string;
  /** Kind of reporter: "agent", "browser" or "prober". */
  source: string;
  /** Origin of the URL. */
  target: string;
  method: string;
  /** Scrubbed by the agent. For an application error, the URL of the page; may be empty. */
  url: string;
  /** HTTP status; absent if there was none. */
  status?: number;
  /** ALPN id, such as "h2". */
  protocol?: string;
  /** Address and port that were tried last. */
  server?: string;
  /** Autonomous system of the client; 0 if unknown. */
  asn: number;
  as_name?: string;
  country?: string;
  /** Duration of the request in milliseconds. */
  elapsed_ms: number;
  /** 32 hexadecimal digits; absent if there is none. */
  trace_id?: string;
  /**
   * Address of that trace in the service's own tracing, as dashboard.trace_url has it; absent
   * without.
   */
  trace_url?: string;
  /** Only for application errors, like all members below. */
  error_type?: string;
  /** Scrubbed by the agent; absent without consent to diagnostics. */
  message?: string;
  /** One line per call, innermost first. */
  stack?: string;
  /** 32 hexadecimal digits, the same for errors with one cause. */
  fingerprint?: string;
  /** Number of errors. */
  count?: number;
}

/** ServerState is the state of a server according to probes. */
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
 * ServersSummary is what the stream sends about servers. The tags are opaque. A tag changes when
 * what it stands for changes.
 */
export interface ServersSummary extends ServerCounts {
  /** Last change of the state of any server; absent before the first. */
  changed?: string;
  /** Tag for the groups and names. */
  topology: string;
  /** Tag for the states, and thus for the bits and the picture. */
  states: string;
  /** What changed; only in the stream, and absent if that is too much: then ask for the bits. */
  changes?: ServerChanges;
}

/**
 * ServerChanges turns the states of any version from since to version into those of version. The
 * header X-Servers-Version tells the version of bits. A version is the number of changes so far,
 * as long as the tag of the topology stays.
 */
export interface ServerChanges {
  since: number;
  version: number;
  /** Indices of the servers that changed and are in this state now; absent if there are none. */
  up?: number[];
  down?: number[];
  unknown?: number[];
}

/** Servers is the summary, the groups and some of the servers. */
export interface Servers extends ServersSummary {
  /** Time of the first frame of the history, which at can name; absent if there is none. */
  kept_since?: string;
  /** Empty if the question says that they are known. */
  data_centres: DataCentre[];
  servers: Server[];
}

/** Row is a group of servers with consecutive indices, which start at first. */
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
  region?: string;
  clusters: Cluster[];
}

/** Server is one server: its state according to probes, and how clients fared there. */
export interface Server {
  index: number;
  name: string;
  address?: string;
  region?: string;
  data_centre?: string;
  cluster?: string;
  row?: string;
  state: ServerState;
  /** When the state began; absent if it has never changed. */
  since?: string;
  /** Requests of clients that succeeded there; absent if there are no reports. */
  ok?: number;
  /** Requests of clients that failed there; absent if there are no reports. */
  failed?: number;
  /** Whether requests are not shown because they are of too few clients; absent if they are. */
  suppressed?: boolean;
}

/** Setup is how the installation is set up. No secret is in it. */
export interface Setup {
  /** The policies that the collectors serve to agents, by collector. */
  policies: ServedPolicy[];
  /** Who is alerted, in the order of the configuration. */
  receivers: Receiver[];
  consent: Consents;
}

/** ServedPolicy is the policy that a collector serves to agents. */
export interface ServedPolicy {
  /** Id of the collector that serves it. */
  collector: string;
  /** What is wrong with it; absent if nothing is. If it cannot be read, there is nothing else. */
  fault?: string;
  version: number;
  issued?: string;
  /** From then on agents record counts at most. */
  expires?: string;
  /** The kill switch: agents record nothing. */
  disabled: boolean;
  /** The most that agents record, whatever a user allowed: "off", "counts" or "diagnostics". */
  most_consent: string;
  /** Part of the windows without a failure that are sent, 0 to 1. */
  success_share: number;
  /** Length of a window in seconds. */
  window_seconds: number;
  /**
   * A window with the first failure after calm ends within so many seconds; 0 if with its length.
   */
  early_seconds: number;
  /** Most samples in a window. */
  samples: number;
  /** How often an agent asks for a newer policy, in seconds. */
  refresh_seconds: number;
  /** Most bytes that a process uploads in a day. */
  bytes_per_day: number;
  /** Fingerprint of the key to which agents seal. */
  seal_key: string;
  /** Fingerprints of the keys that may sign the next policy. */
  signers: string[];
  collectors: PolicyCollector[];
}

/** PolicyCollector is a collector that agents may deliver to. */
export interface PolicyCollector {
  id: string;
  url: string;
  /** Agents try the lowest first. */
  priority: number;
  /** Share among collectors of one priority. */
  weight: number;
  /** URL of the Oblivious HTTP relay before it; absent if there is none. */
  relay?: string;
  /** Fingerprint of the key of its receipts. */
  receipt_key: string;
}

/** Receiver is somebody or something that is alerted. */
export interface Receiver {
  name: string;
  /** Such as "mail" or "slack". */
  kind: string;
  /** Least severity that it is told of. */
  severity: string;
  /** Hours in which it is told only of what is critical; absent if there are none. */
  quiet?: string;
  /** Where it is, as far as that is no secret. */
  where: string[];
  /** When a message was last sent to it; absent if none was since the start. */
  tried?: string;
  /** What became of that message: "ok", "failed" or "refused"; absent if there was none. */
  result?: string;
}

/** ReceiverTest is what became of a test alert. */
export interface ReceiverTest {
  receiver: string;
  /** Why it did not take it; absent if it did. */
  error?: string;
}

/**
 * Consents is what can be known of users' consent without asking for more than consent allows:
 * those who have not given it send nothing, so that nobody can know how many they are.
 */
export interface Consents {
  /** Since when the numbers count: the start of the detector. */
  since?: string;
  /** Batches of users who allow counts only. */
  counts: number;
  /** Batches of users who allow diagnostics. */
  diagnostics: number;
  /** Notices by which a user has withdrawn consent and had deleted what was sent. */
  withdrawn: number;
}

/** Applications is what each application has sent lately. */
export interface Applications {
  /** The time that the sums cover, in seconds. */
  span_seconds: number;
  /** Rows that are not shown because they are of fewer clients than LeastClients. */
  suppressed: number;
  least_clients: number;
  /** By application, the version with most requests first. */
  rows: ApplicationSent[];
}

/** ApplicationSent is what one release of an application has sent. */
export interface ApplicationSent {
  app: string;
  /** Absent if unknown. */
  version?: string;
  /** Who reports: "agent", "browser" or another. */
  source: string;
  /** Requests that succeeded. */
  ok: number;
  /** Requests that failed. */
  failed: number;
  /** Requests in a minute, on average since it was first seen in this time. */
  per_minute: number;
  /** Distinct clients in the busiest minute. */
  clients: number;
  /** Start of the last minute with a request. */
  last_seen: string;
}

/** CollectedRecord is a kind of record that a report may contain, or something beside it. */
export interface CollectedRecord {
  /** In words for users, such as "Sums of requests". */
  title: string;
  /** What it is for. */
  why: string;
  fields: CollectedField[];
}

/** CollectedField is one thing that is known of users. */
export interface CollectedField {
  /** Its name in the source of the program, such as "Counter.Target". */
  name: string;
  /** What it is, in a sentence for users. */
  text: string;
  /**
   * The least consent with which it is sent: "counts" or "diagnostics"; absent where no user is
   * asked, because it is not of a user.
   */
  consent?: string;
}

/** Collected is what users' reports contain: all of it. */
export interface Collected {
  records: CollectedRecord[];
  /** What no report contains, in words. */
  never: string[];
}

/** Section is a part of the stream that a reader can select. */
export type Section = "now" | "curve" | "totals" | "incidents" | "servers" | "reachability" | "reports" | "objectives" | "parts" | "mutes";

export const sections: readonly Section[] = ["now", "curve", "totals", "incidents", "servers", "reachability", "reports", "objectives", "parts", "mutes"];

/**
 * Snapshot is the first event of a stream. Sections that were not selected are absent. Each later
 * event has the name of one member and carries its new value.
 */
export interface Snapshot {
  clock: Clock;
  /** Null as long as the store can be read. */
  trouble: Trouble | null;
  now?: Now;
  curve?: Curve;
  totals?: Totals;
  incidents?: Incident[];
  servers?: ServersSummary;
  reachability?: Reachability;
  reports?: Report[];
  objectives?: Objective[];
  parts?: Part[];
  mutes?: ScopeMute[];
}

/** Clock is the server's time, from which the reader calculates how long ago something was. */
export interface Clock {
  now: string;
}

/** Trouble means that what the stream has sent is out of date. */
export interface Trouble {
  /** When the store became unreadable. */
  since: string;
}

/** Dimension is a property that requests are grouped by. */
export type Dimension = "type" | "app" | "target" | "asn" | "country" | "server" | "protocol" | "status" | "source";

export const dimensions: readonly Dimension[] = ["type", "app", "target", "asn", "country", "server", "protocol", "status", "source"];

/** Total is one row of totals: the selected dimensions, and sums. Other dimensions are absent. */
export interface Total {
  /** Outcome in the words of Network Error Logging; "ok" for success. */
  type?: string;
  /** Name of the application. */
  app?: string;
  /** Origin of the request; for a delivery, "collector:" and the collector's id. */
  target?: string;
  /** Autonomous system of the clients; 0 if unknown. */
  asn?: number;
  /** Name of that network; absent if unknown. */
  as_name?: string;
  /** Two letters; "ZZ" if unknown. */
  country?: string;
  /** Address and port that were tried last; empty if unknown. */
  server?: string;
  /** ALPN id, such as "h2"; empty if the request did not get that far. */
  protocol?: string;
  /** HTTP status; 0 if there was none. */
  status?: number;
  /** Kind of reporter: "agent", "browser" or "prober". */
  source?: string;
  /** Requests that succeeded. What one place reports counts up to ten usual places. */
  ok: number;
  /** Requests that failed, likewise. */
  failed: number;
  /**
   * Requests that single places reported beyond that, and that are in neither sum; absent if 0.
   */
  clipped?: number;
  /** Distinct clients, as they claim; a client counts again every UTC day. */
  clients: number;
  /**
   * Distinct places that collectors saw them in; absent if unknown. A place counts again every
   * UTC day, and once for each collector.
   */
  places?: number;
}

/** Totals is the section of the stream with sums of requests. */
export interface Totals {
  /** The time that the sums cover. */
  window_seconds: number;
  outcomes: Total[];
  /** At most 200 networks, those with the most failures first. */
  networks: Total[];
  /** Number of networks, listed or not. */
  network_count: number;
  /**
   * How many outcomes and networks are not shown, because they are of too few clients; absent if
   * 0.
   */
  suppressed?: number;
  /** Deliveries of reports. */
  collectors: CollectorTotal[];
}

/** CollectorTotal sums the deliveries to one collector, as reported by agents. */
export interface CollectorTotal extends Total {
  /** More deliveries fail than succeed; see Now. */
  failing: boolean;
}
