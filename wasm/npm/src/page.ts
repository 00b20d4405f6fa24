// What the page's browser tells of itself.

import type { Hooks } from "./hook.ts";
import { own } from "./own.ts";

/**
 * watchProtocols returns each origin's protocol, as the browser said last: "h2". It tells script
 * the entry of each script as well.
 */
export function watchProtocols(hooks: Hooks, script: (entry: PerformanceResourceTiming) => void): Map<string, string> {
  const known = new Map<string, string>();
  try {
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as PerformanceResourceTiming[]) {
        if (entry.initiatorType === "script") script(entry);
        if (known.size < 64 && /^h/.test(entry.nextHopProtocol)) known.set(new URL(entry.name).origin, entry.nextHopProtocol);
      }
    });
    hooks.later(() => observer.disconnect());
    for (const type of ["navigation", "resource"]) observer.observe(own({ type, buffered: true }));
  } catch {
    // Then protocols stay unknown.
  }
  return known;
}

// Milliseconds that a page may take to load. One that misses an image never ends.
const patience = 3000;

/** afterLoad calls back when the page has loaded and has nothing else to do, perhaps twice. */
export function afterLoad(call: () => void): void {
  const idle = (): void => void (window.requestIdleCallback ?? setTimeout)(call, { timeout: patience } as object);
  addEventListener("load", idle);
  setTimeout(idle, document.readyState === "complete" ? 0 : patience);
}
