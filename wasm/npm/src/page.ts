// What the page's browser tells of itself.

import { own } from "./own.ts";

/** Tells each origin's protocol, as the browser said last: "h2". */
export interface Protocols {
  of(origin: string): string;
  stop(): void;
}

export function watchProtocols(): Protocols {
  const known = new Map<string, string>();
  let observer: PerformanceObserver | undefined;
  try {
    observer = new PerformanceObserver((list) => {
      for (const { name, nextHopProtocol } of list.getEntries() as PerformanceResourceTiming[]) {
        const end = name.indexOf("/", 8);
        if (end > 0 && known.size < 64 && /^h/.test(nextHopProtocol)) known.set(name.slice(0, end), nextHopProtocol);
      }
    });
    for (const type of ["navigation", "resource"]) observer.observe(own({ type, buffered: true }));
  } catch {
    // Then protocols stay unknown.
  }
  return { of: (origin) => known.get(origin) ?? "", stop: () => observer?.disconnect() };
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
