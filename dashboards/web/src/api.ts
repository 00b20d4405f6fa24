// The JSON that the dashboard API sends, as far as this page reads it. Times are RFC 3339, UTC.

/** One line of totals: counts are weighted estimates, see the API's documentation. */
export interface Total {
  type?: string;
  app?: string;
  target?: string;
  asn?: number;
  as_name?: string;
  ok: number;
  failed: number;
  clients: number;
}

export interface Totals {
  window_seconds: number;
  outcomes: Total[];
  networks: Total[];
  network_count: number;
  collectors: Total[];
}

export interface Network {
  asn: number;
  as_name?: string;
}

export interface Incident {
  id: number;
  title: string;
  app: string;
  target: string;
  outcome: string;
  also: string[];
  scope: { networks: Network[]; countries: string[]; servers: string[] };
  since: string;
  until?: string;
  failed: number;
  requests: number;
  expected: number;
  clients: number;
  evidence: string[];
}

export interface ServerCounts {
  count: number;
  up: number;
  down: number;
  unknown: number;
}

/** What the stream says about servers: the tags change when what they name does. */
export interface ServersSummary extends ServerCounts {
  topology: string;
  states: string;
}

export interface Row extends ServerCounts {
  name: string;
  first: number;
}

export interface Cluster extends Row {
  rows: Row[];
}

export interface DataCentre extends Row {
  clusters: Cluster[];
}

export interface Server {
  index: number;
  name: string;
  address?: string;
  data_centre?: string;
  cluster?: string;
  row?: string;
  state: "up" | "down" | "unknown";
  since?: string;
  ok?: number;
  failed?: number;
}

export interface Servers extends ServersSummary {
  data_centres: DataCentre[];
  servers: Server[];
}

export interface Origin extends Network {
  ok: number[];
  failed: number[];
}

export interface Reachability {
  start: string;
  step_seconds: number;
  steps: number;
  /** Every network together, those too many to be listed among them. */
  all: { ok: number[]; failed: number[] };
  origins: Origin[];
  origin_count: number;
}

export interface Report {
  at: string;
  type: string;
  phase?: string;
  url: string;
  method: string;
  app: string;
  target: string;
  status?: number;
  protocol?: string;
  server?: string;
  asn?: number;
  as_name?: string;
  country?: string;
  elapsed_ms: number;
  trace_id?: string;
  /**
   * Of application errors and of what browsers say of pages: no method, a URL only of the latter.
   */
  error_type?: string;
  message?: string;
  count?: number;
}

export interface Snapshot {
  clock: { now: string };
  totals: Totals;
  incidents: Incident[];
  servers: ServersSummary;
  reachability: Reachability;
  reports: Report[];
  /** Since when the detector's store cannot be read; null while it can. */
  trouble: { since: string } | null;
}

/** The servers' groups without the servers: small for any number of them. */
export function fetchGroups(): Promise<Servers> {
  return getJSON<Servers>("/api/v1/servers?limit=0");
}

/** A stretch of the servers, in order. */
export async function fetchServers(first: number, limit: number): Promise<Server[]> {
  return (await getJSON<Servers>(`/api/v1/servers?first=${first}&limit=${limit}`)).servers;
}

/** The servers that are in a state, the first limit of them. */
export async function fetchByState(state: "down" | "unknown", limit: number): Promise<Server[]> {
  return (await getJSON<Servers>(`/api/v1/servers?state=${state}&limit=${limit}`)).servers;
}

/** One bit per server: bit i, the lowest of byte 0 first, says whether server i is in the state. */
export async function fetchBits(state: "up" | "unknown"): Promise<Uint8Array> {
  const answer = await get(`/api/v1/servers.bits?state=${state}`);
  return new Uint8Array(await answer.arrayBuffer());
}

async function getJSON<T>(path: string): Promise<T> {
  return (await (await get(path)).json()) as T;
}

async function get(path: string): Promise<Response> {
  const answer = await fetch(path, { cache: "no-cache", signal: AbortSignal.timeout(15_000) });
  if (!answer.ok) throw new Error(`GET ${path}: ${answer.status}`);
  return answer;
}
