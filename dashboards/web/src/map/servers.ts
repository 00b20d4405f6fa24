// What the page knows of the servers. The stream only says that something changed; the groups, the
// bits and the details of single servers are fetched here, because a million servers do not belong
// into every message.
import { effect, signal } from "@preact/signals";
import type { Server, Servers, ServersSummary } from "../api.gen.ts";
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

effect(() => {
  const summary = section("servers").value;
  if (summary !== undefined) void follow(summary);
});

/** Fetches what changed, one after another; whatever changes meanwhile is fetched after that. */
async function follow(summary: ServersSummary): Promise<void> {
  if (busy || (summary.topology === loadedTopology && summary.states === loadedStates)) return;
  busy = true;
  try {
    if (summary.topology !== loadedTopology) {
      groups.value = await fetchGroups();
      details.clear();
      loadedTopology = summary.topology;
    }
    const up = await fetchBits("up");
    const unknown = summary.unknown > 0 ? await fetchBits("unknown") : new Uint8Array(0);
    states.value = new States(summary.count, up, unknown);
    loadedStates = summary.states;
  } catch {
    await new Promise((resume) => setTimeout(resume, retryMS));
  } finally {
    busy = false;
  }
  const latest = section("servers").peek();
  if (latest !== undefined) void follow(latest);
}

effect(() => {
  if (tableOpen.value && states.value !== undefined) void loadFailing();
});

async function loadFailing(): Promise<void> {
  const [down, unknown] = await Promise.all([
    fetchByState("down", mostFailing).catch(() => []),
    fetchByState("unknown", mostFailing).catch(() => []),
  ]);
  failing.value = [...down, ...unknown].slice(0, mostFailing);
}

const blockSize = 250;
const freshMS = 5000;
const details = new Map<number, { at: number; servers: Server[] }>();
/** Rises when details came, so that readers of detailOf look again. */
const detailsVersion = signal(0);

/** Name and address of a server, once they are here; asking fetches them. */
export function detailOf(index: number): Server | undefined {
  detailsVersion.value;
  const block = Math.floor(index / blockSize);
  const known = details.get(block);
  if (known === undefined || Date.now() - known.at > freshMS) void loadBlock(block);
  return known?.servers[index - block * blockSize];
}

async function loadBlock(block: number): Promise<void> {
  details.set(block, { at: Date.now(), servers: details.get(block)?.servers ?? [] });
  try {
    details.set(block, { at: Date.now(), servers: await fetchServers(block * blockSize, blockSize) });
    detailsVersion.value++;
  } catch {
    // Asked again when it is next looked at.
  }
}
