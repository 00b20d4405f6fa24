// What became of a request, as far as script can tell. Nothing is guessed: a browser keeps the
// reason of a failure to itself, so DNS, TCP, TLS, CORS and blockers are all "network.failed".

/** The parts of a URL that are kept. */
export interface Target {
  scheme: string;
  host: string;
  origin: string;
  /** Without user, query and fragment. */
  url: string;
}

/**
 * split takes a URL apart, or returns undefined when it is none of HTTP's or WebSocket's: data:,
 * blob: and the like never use the network.
 */
export function split(url: string, base?: string): Target | undefined {
  try {
    const { protocol, host, origin, pathname } = new URL(url, base);
    if (/^(http|ws)s?:$/.test(protocol)) return { scheme: protocol.slice(0, -1), host, origin, url: origin + pathname };
  } catch {
    // It is none at all.
  }
  return undefined;
}

/**
 * ofStatus is the outcome of a response; 0 is the status of one that the page may not look into.
 */
export function ofStatus(status: number): string {
  return status >= 400 ? "http.error" : "ok";
}

/** ofError is the outcome of a request without a response, by what it was rejected with. */
export function ofError(error?: any, signal?: AbortSignal | null): string {
  // Whoever aborts may give any reason at all, so the signal decides.
  const name = (signal?.aborted ? signal.reason : error)?.name;
  if (/^timeout/i.test(name)) return "network.timed_out";
  if (signal?.aborted || /^abort/i.test(name)) return "abandoned";
  return unlessOffline("network.failed");
}

function unlessOffline(outcome: string): string {
  return navigator.onLine ? outcome : "network.offline";
}

/**
 * ofResource is the outcome of an element that could not be loaded, 0 being an untold status.
 * Without one nothing is known: it may also have been no image, no script, or not what its
 * integrity attribute asks for, and behind a redirect the browser hides everything.
 */
export function ofResource(status: number): string {
  return status >= 400 ? ofStatus(status) : unlessOffline("unknown");
}
