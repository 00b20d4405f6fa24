// The map of another time, fetched when somebody asks for it.
import { computed, effect, signal } from "@preact/signals";
import type { Servers } from "../api.gen.ts";
import { fetchGroups } from "../ask.ts";
import { mapAddress } from "./address.ts";
import { groups as present, fetchStates } from "./servers.ts";
import type { States } from "./states.ts";

export interface Past {
  /** Time that was asked for, Unix ms. */
  at: number;
  groups: Servers;
  states: States;
}

/** The time whose map is wanted, Unix ms; undefined is the present. */
export const moment = computed(() => mapAddress.value.at);

/** The last map of the past that came; undefined while the present is shown. */
export const past = signal<Past | undefined>(undefined);

/** The map that is wanted could not be fetched. */
export const pastFailed = signal(false);

/** Who drags a slider asks for many times; the one at which they stop is fetched. */
const settleMS = 150;

let turn = 0;

effect(() => void show(moment.value));

async function show(at: number | undefined): Promise<void> {
  const mine = ++turn;
  pastFailed.value = false;
  if (at === undefined) {
    past.value = undefined;
    return;
  }
  await new Promise((resume) => setTimeout(resume, settleMS));
  if (mine !== turn) return;
  try {
    const groups = await fetchGroups(at, past.value?.groups ?? present.value);
    const { states } = await fetchStates(groups, at);
    if (mine === turn) past.value = { at, groups, states };
  } catch {
    if (mine === turn) pastFailed.value = true;
  }
}

export const minuteMS = 60_000;

/** Where a key or a button takes the time: whole minutes, from the first frame to the present. */
export function step(at: number | undefined, minutes: number, since: number, now: number): number | undefined {
  const from = at ?? Math.floor(now / minuteMS) * minuteMS;
  const to = from + minutes * minuteMS;
  return to > now - minuteMS ? undefined : Math.max(firstMinute(since), to);
}

/** The first whole minute whose frame there is. */
export function firstMinute(since: number): number {
  return Math.ceil(since / minuteMS) * minuteMS;
}
