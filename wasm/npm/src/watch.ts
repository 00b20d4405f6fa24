// What the hooks need to know of the agent, and it of them.

/**
 * A request under way. Its URL is only taken apart when it ends: until then the page waits for
 * its promise.
 */
export interface Begun {
  url: string;
  relativeTo?: string; // what a relative URL was relative to
  method: string;
  start: number; // milliseconds since 1970
  ticks?: number; // of the monotonic clock; may be left out if took is known
  took?: number | undefined; // milliseconds until the response's head came; 0: it cannot be told
}

export interface Watch {
  /** Nothing is recorded otherwise: hooks pass on. */
  active(): boolean;
  /**
   * Records the end of a request. A protocol left out is what the browser said last of
   * the origin's.
   */
  ended(r: Begun, outcome: string, status: number, protocol?: string): void;
  /** The same for one without a response, or with a broken one, by what it was rejected with. */
  failed(r: Begun, error: unknown, signal: AbortSignal | null | undefined, status: number): void;
}

/**
 * begin notes a request that begins now, or returns undefined if its URL cannot be told. A Request,
 * a URL or a Location may be another frame's: classes do not tell them.
 */
export function begin(input: any, method?: any): Begun | undefined {
  const url: unknown = input?.url ?? input?.href ?? input;
  // What else can be a URL has a toString of the page's, which is not to be called twice.
  if (typeof url !== "string") return undefined;
  return { url, relativeTo: document.baseURI, method: method?.toUpperCase?.() ?? "GET", start: Date.now(), ticks: ticks() };
}

/**
 * answered returns the request as it was answered: an outcome speaks of the server at the end of
 * the redirects.
 */
export function answered(r: Begun, url: string): Begun {
  return { ...r, url: url || r.url, took: ticks() - r.ticks! };
}

/** ticks is a clock in milliseconds that nobody sets. */
export function ticks(): number {
  return performance.now();
}
