// What the page's browser tells of itself.

import { own } from "./own.ts";

/** Tells each origin's protocol, as the browser said last: "h2". */
export interface Protocols {
  protocolOf(origin: string): string;
  disconnect(): void;
}

/** watchProtocols tells script the entry of each script as well. */
export function watchProtocols(script: (entry: PerformanceResourceTiming) => void): Protocols {
  const known = new Map<string, string>();
  let observer: PerformanceObserver | undefined;
  try {
    observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as PerformanceResourceTiming[]) {
        const { name, nextHopProtocol } = entry;
        if (entry.initiatorType === "script") script(entry);
        if (known.size < 64 && /^h/.test(nextHopProtocol)) known.set(new URL(name).origin, nextHopProtocol);
      }
    });
    for (const type of ["navigation", "resource"]) observer.observe(own({ type, buffered: true }));
  } catch {
    // Then protocols stay unknown.
  }
  return { protocolOf: (origin) => known.get(origin) ?? "", disconnect: () => observer?.disconnect() };
}

// Milliseconds that a page may take to load. One that misses an image never ends.
const patience = 3000;

/** afterLoad calls back when the page has loaded and has nothing else to do, perhaps twice. */
export function afterLoad(call: () => void): void {
  const idle = (): void => void (window.requestIdleCallback ?? setTimeout)(call, { timeout: patience } as object);
  if (document.readyState === "complete") return idle();
  addEventListener("load", idle);
  setTimeout(idle, patience);
}
