// What the page asks for besides the stream: the servers, of which there may be a million.
import type {
  AppErrors, Applications, Collected as AllCollected, Curve, Incident, IncidentPage, Me, NewMute, NewNote, Probed, Problem, Reachability, ReceiverTest, Report, Server,
  Servers, ServerState, Setup, Total,
} from "./api.gen.ts";

// Each of these asks for the present, or for a time, which is in Unix ms.

/**
 * The servers' groups without the servers. With a million servers that is a megabyte, so groups
 * that are known are not sent again; their own counts stay those of then.
 */
export async function fetchGroups(at?: number, known?: Servers): Promise<Servers> {
  const tag = known === undefined ? "" : `&topology=${encodeURIComponent(known.topology)}`;
  const answer = await getJSON<Servers>(`/api/v1/servers?limit=0${atTime(at)}${tag}`);
  return answer.topology === known?.topology ? { ...answer, data_centres: known.data_centres } : answer;
}

/** Some servers, in order. */
export async function fetchServers(first: number, limit: number, at?: number): Promise<Server[]> {
  return (await getJSON<Servers>(`/api/v1/servers?first=${first}&limit=${limit}&topology=*${atTime(at)}`)).servers;
}

/** The servers that are in a state, the first limit of them. */
export async function fetchByState(state: ServerState, limit: number, at?: number): Promise<Server[]> {
  return (await getJSON<Servers>(`/api/v1/servers?state=${state}&limit=${limit}&topology=*${atTime(at)}`)).servers;
}

/** The servers whose names have a part, in order, the first limit of them. */
export async function fetchNamed(name: string, limit: number, at?: number): Promise<Server[]> {
  return (await getJSON<Servers>(`/api/v1/servers?name=${encodeURIComponent(name)}&limit=${limit}&topology=*${atTime(at)}`)).servers;
}

/** What the vantages find of servers, those that are down for all first. */
export function fetchProbes(limit: number): Promise<Probed[]> {
  return getJSON<Probed[]>(`/api/v1/probes?limit=${limit}`);
}

/** One server, with its changes; undefined if there is none of the name. */
export async function fetchProbed(server: string): Promise<Probed | undefined> {
  try {
    return (await getJSON<Probed[]>(`/api/v1/probes?server=${encodeURIComponent(server)}`))[0];
  } catch (fault) {
    if (fault instanceof Refused && !fault.later) return undefined; // no server has such a name
    throw fault;
  }
}

/** The servers that are down for all, then those for some, the first limit of both. */
export async function fetchDown(limit: number): Promise<Probed[]> {
  const first = await fetchProbes(limit);
  return first.filter((server) => server.reach === "global" || server.reach === "local");
}

/** One bit per server: bit i, the lowest of byte 0 first, says whether server i is in the state. */
export async function fetchBits(state: ServerState, at?: number): Promise<{ bits: Uint8Array; version: number }> {
  const answer = await get(`/api/v1/servers.bits?state=${state}${atTime(at)}`);
  return { bits: new Uint8Array(await answer.arrayBuffer()), version: Number(answer.headers.get("X-Servers-Version") ?? NaN) };
}

function atTime(at: number | undefined): string {
  return at === undefined ? "" : `&at=${new Date(at).toISOString()}`;
}

/** The incidents of the last days, open ones first. */
export function fetchIncidents(days: number): Promise<Incident[]> {
  return getJSON<Incident[]>(`/api/v1/incidents?since=${days}d`);
}

/** An incident with everything around it; undefined if there is none. */
export async function fetchIncident(id: string): Promise<IncidentPage | undefined> {
  const answer = await fetch(`/api/v1/incident?id=${encodeURIComponent(id)}`, { cache: "no-cache", signal: AbortSignal.timeout(15_000) });
  if (answer.status === 404 || answer.status === 400) return undefined;
  if (!answer.ok) throw new Error(`GET an incident: ${answer.status}`);
  return (await answer.json()) as IncidentPage;
}

/** Where an incident is told as Markdown. */
export function incidentMarkdown(id: number): string {
  return `/api/v1/incident.md?id=${id}`;
}

export async function fetchText(path: string): Promise<string> {
  return (await get(path)).text();
}

/** Adds a note to an incident, or acknowledges it; undefined, or why the server did not take it. */
export function addNote(incident: number, note: NewNote): Promise<string | undefined> {
  return send(`/api/v1/incidents/${incident}/notes`, note);
}

/** Mutes a scope; likewise. */
export function addMute(mute: NewMute): Promise<string | undefined> {
  return send("/api/v1/mutes", mute);
}

/** Ends a mute by scope; likewise. */
export function endMute(number: number, who: string): Promise<string | undefined> {
  return send(`/api/v1/mutes/${number}/end`, { who });
}

async function send(path: string, body: object): Promise<string | undefined> {
  const answer = await fetch(path, {
    method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, signal: AbortSignal.timeout(15_000),
  });
  return answer.ok ? undefined : ((await answer.json()) as Problem).error;
}

/** Sums by group, and how many rows are not shown because they are of too few clients. */
export async function fetchTotals(path: string): Promise<{ rows: Total[]; suppressed: number }> {
  const answer = await get(path);
  return { rows: (await answer.json()) as Total[], suppressed: Number(answer.headers.get("X-Suppressed-Count") ?? 0) };
}

/** Single requests and errors. */
export function fetchReports(path: string): Promise<Report[]> {
  return getJSON<Report[]>(path);
}

/** Causes of application errors. */
export function fetchErrors(path: string): Promise<AppErrors> {
  return getJSON<AppErrors>(path);
}

export function fetchCurve(query: string): Promise<Curve> {
  return getJSON<Curve>(`/api/v1/curve?${query}`);
}

export function fetchReachability(query: string): Promise<Reachability> {
  return getJSON<Reachability>(`/api/v1/reachability?${query}`);
}

/** The countries of the world, in units of the map. */
export interface World {
  width: number;
  height: number;
  /** By two letters: the middle of each, and its outline, unless it is too small for one. */
  countries: Record<string, { x: number; y: number; outline?: string }>;
}

export function fetchWorld(): Promise<World> {
  return getJSON<World>("/world.json");
}

/** How the installation is set up. */
export function fetchSetup(): Promise<Setup> {
  return getJSON<Setup>("/api/v1/setup");
}

/** What each application has sent lately. */
export function fetchApplications(): Promise<Applications> {
  return getJSON<Applications>("/api/v1/applications");
}

/** What reports of users contain. */
export function fetchCollected(): Promise<AllCollected> {
  return getJSON<AllCollected>("/api/v1/collected");
}

/** Sends a test alert; says what became of it. */
export async function testReceiver(name: string): Promise<{ text: string; bad: boolean }> {
  try {
    const answer = await fetch(`/api/v1/receivers/${encodeURIComponent(name)}/test`, { method: "POST", signal: AbortSignal.timeout(90_000) });
    if (!answer.ok) return { text: ((await answer.json()) as Problem).error, bad: true };
    const failed = ((await answer.json()) as ReceiverTest[]).filter((r) => r.error !== undefined);
    if (failed.length === 0) return { text: "taken, with its end", bad: false };
    return { text: failed.map((r) => `${r.receiver}: ${r.error}`).join("; "), bad: true };
  } catch {
    return { text: "the server does not answer", bad: true };
  }
}

/** Who looks; undefined if nobody is logged in. */
export async function fetchMe(): Promise<Me | undefined> {
  const answer = await fetch("/api/v1/me", { cache: "no-cache", signal: AbortSignal.timeout(15_000) });
  if (answer.status === 401) return undefined;
  if (!answer.ok) throw new Error(`GET who looks: ${answer.status}`);
  return (await answer.json()) as Me;
}

/** Whether the server wants a login, as it does when a session is over. */
export async function loginWanted(): Promise<boolean> {
  try {
    return (await fetch("/api/v1/me", { cache: "no-cache", signal: AbortSignal.timeout(15_000) })).status === 401;
  } catch {
    return false;
  }
}

/** Ends the session. */
export async function logOut(): Promise<void> {
  await fetch("/logout", { method: "POST", redirect: "manual" });
}

async function getJSON<T>(path: string): Promise<T> {
  return (await (await get(path)).json()) as T;
}

/** What the server does not answer, or not now; the message is its reason. */
export class Refused extends Error {
  constructor(
    reason: string,
    readonly later: boolean,
  ) {
    super(reason);
  }
}

async function get(path: string): Promise<Response> {
  const answer = await fetch(path, { cache: "no-cache", signal: AbortSignal.timeout(15_000) });
  if (answer.status === 400 || answer.status === 503) {
    throw new Refused(((await answer.json()) as Problem).error, answer.status === 503);
  }
  if (!answer.ok) throw new Error(`GET ${path}: ${answer.status}`);
  return answer;
}
