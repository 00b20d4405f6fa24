// What the page knows of the servers. The stream says which servers changed, if they are few. The
// groups, the bits and the details of single servers are fetched here, because a million servers do
// not belong into every message.
import { effect, signal } from "@preact/signals";
import type { Server, ServerCounts, Servers, ServersSummary } from "../api.gen.ts";
import { fetchBits, fetchByState, fetchGroups, fetchServers } from "../ask.ts";
import { section } from "../live/store.ts";
import { States } from "./states.ts";

export const groups = signal<Servers | undefined>(undefined);
export const states = signal<States | undefined>(undefined);
/** The first servers that are down or unknown; kept up only while the table is open. */
export const failing = signal<Server[]>([]);
export const tableOpen = signal(false);

const mostFailing = 200;
const retryMS = 2000;

let busy = false;
let loadedTopology = "";
let loadedStates = "";
/** Version of the bits that are here; NaN before the first. */
let version = NaN;

effect(() => {
  const summary = section("servers").value;
  if (summary !== undefined) void follow(summary);
});

/** Fetches what changed, one after another; whatever changes meanwhile is fetched after that. */
async function follow(summary: ServersSummary): Promise<void> {
  if (busy || (summary.topology === loadedTopology && summary.states === loadedStates)) return;
  if (change(summary)) return;
  busy = true;
  try {
    if (summary.topology !== loadedTopology) {
      groups.value = await fetchGroups();
      details.clear();
      loadedTopology = summary.topology;
    }
    const fetched = await fetchStates(summary);
    states.value = fetched.states;
    version = fetched.version;
    loadedStates = summary.states;
  } catch {
    await new Promise((resume) => setTimeout(resume, retryMS));
  } finally {
    busy = false;
  }
  const latest = section("servers").peek();
  if (latest !== undefined) void follow(latest);
}

/** Follows the stream without fetching anything, if it says all that changed. */
function change(summary: ServersSummary): boolean {
  const { changes } = summary;
  const before = states.peek();
  if (summary.topology !== loadedTopology || before === undefined || changes === undefined || !(changes.since <= version)) return false;
  // Bits that came later than these changes have them, and the next changes begin before those
  // bits. Those of the same version may lack servers that had become unknown when they were asked
  // for.
  if (changes.version >= version) {
    states.value = before.with(changes);
    version = changes.version;
  }
  loadedStates = summary.states;
  return true;
}

/**
 * The states of servers of which there are so many, now or at a time in Unix ms, and their
 * version.
 */
export async function fetchStates(counts: ServerCounts, at?: number): Promise<{ states: States; version: number }> {
  const up = await fetchBits("up", at);
  const unknown = counts.unknown > 0 ? await fetchBits("unknown", at) : undefined;
  return { states: new States(counts.count, up.bits, unknown?.bits ?? new Uint8Array(up.bits.length)), version: up.version };
}

let failingTurn = 0;

/** Fills failing with those of now, or of a time in Unix ms. */
export async function loadFailing(at?: number): Promise<void> {
  const mine = ++failingTurn;
  const [down, unknown] = await Promise.all([
    fetchByState("down", mostFailing, at).catch(() => []),
    fetchByState("unknown", mostFailing, at).catch(() => []),
  ]);
  if (mine === failingTurn) failing.value = [...down, ...unknown].slice(0, mostFailing); // else others were asked for since
}

const blockSize = 250;
const freshMS = 5000;
/** So many blocks are kept; of a million servers there are 4,000. */
const mostBlocks = 64;
const details = new Map<number, { at: number; servers: Server[] }>();
/** The time that details are of, Unix ms; undefined for now. */
let detailsOf: number | undefined;
/** The block that is looked at, and lacks details. */
let wanted: number | undefined;
let loading = false;
/** Rises when details came, so that readers of detailOf look again. */
const detailsVersion = signal(0);

/**
 * Name and address of a server, now or at a time in Unix ms, once they are here; asking
 * fetches them.
 */
export function detailOf(index: number, at?: number): Server | undefined {
  detailsVersion.value;
  if (at !== detailsOf) details.clear();
  detailsOf = at;
  const block = Math.floor(index / blockSize);
  const known = details.get(block);
  wanted = known === undefined || (at === undefined && Date.now() - known.at > freshMS) ? block : undefined;
  if (wanted !== undefined && !loading) void loadWanted();
  return known?.servers[index - block * blockSize];
}

/**
 * Loads what is wanted, one block after another. Whoever goes over the map looks at many, of which
 * only the last is still wanted then.
 */
async function loadWanted(): Promise<void> {
  loading = true;
  for (let block = wanted; block !== undefined; block = wanted) {
    wanted = undefined;
    const at = detailsOf;
    const servers = await fetchServers(block * blockSize, blockSize, at).catch(() => undefined);
    if (servers === undefined || at !== detailsOf) continue; // asked again when it is next looked at
    details.delete(block); // it becomes the newest
    details.set(block, { at: Date.now(), servers });
    if (details.size > mostBlocks) details.delete(details.keys().next().value!);
    detailsVersion.value++;
  }
  loading = false;
}
