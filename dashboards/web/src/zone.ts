// The zone of all times on the page: the reader's, or UTC. The reader's choice is kept in the
// browser.
import { signal } from "@preact/signals";

const key = "heliograph.zone";

/** Whether times are shown in UTC. */
export const utc = signal(stored() === "utc");

function stored(): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // no storage here
  }
}

export function setUTC(wanted: boolean): void {
  utc.value = wanted;
  try {
    localStorage.setItem(key, wanted ? "utc" : "local");
  } catch {
    // It holds until the page is left.
  }
}
