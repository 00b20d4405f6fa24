// What the hooks need to know of the agent, and it of them.

/**
 * A request under way. Its URL is only taken apart when it ends: until then the page waits for
 * its promise.
 */
export interface Begun {
  url: string;
  relativeTo?: string; // what a relative URL was relative to
  method: string;
  trace?: string | null; // its traceparent header, if it has one
  signal?: AbortSignal | null; // which may end it
  start: number; // milliseconds since 1970
  ticks?: number; // of the monotonic clock; may be left out if took is known
  took?: number | undefined; // milliseconds until the response's head came; 0: it cannot be told
  status: number; // of the response; 0: there is none, or it cannot be told
}

export interface Watch {
  /** Nothing is recorded otherwise: hooks pass on. */
  active(): boolean;
  /**
   * Records the end of a request. An outcome left out is what its status says, and a protocol
   * what the browser said last of the origin's.
   */
  ended(r: Begun, outcome?: string, protocol?: string): void;
  /** The same for one without a response, or with a broken one, by what it was rejected with. */
  failed(r: Begun, error: unknown): void;
}

/**
 * begin notes a request that begins now, or returns undefined if its URL cannot be told. Both are
 * what fetch takes. A Request, a URL or a Location may be another frame's: classes do not
 * tell them.
 */
export function begin(input: any, init?: any): Begun | undefined {
  try {
    const url: unknown = input?.url ?? input?.href ?? input;
    // What else can be a URL has a toString of the page's, which is not to be called twice.
    if (typeof url === "string") {
      return {
        url, relativeTo: document.baseURI, method: (init?.method ?? input?.method)?.toUpperCase?.() ?? "GET",
        signal: init?.signal === undefined ? input?.signal : init.signal, trace: traceparent(init?.headers ?? input?.headers),
        start: Date.now(), ticks: ticks(), status: 0,
      };
    }
  } catch {
    // A getter of the page's throws, and fetch will say so.
  }
  return undefined;
}

/**
 * traceparent finds that header in what a request's headers can be given as: Headers, pairs of
 * names and values, or an object, whose getters are fetch's to call.
 */
function traceparent(headers: any): string | null {
  if (headers?.[Symbol.toStringTag] === "Headers") return headers.get("traceparent");
  let found = "";
  for (const name in headers) {
    const pair = Array.isArray(headers) ? headers[name as any] : [name, Object.getOwnPropertyDescriptor(headers, name)?.value];
    if (pair?.[0]?.toLowerCase?.() === "traceparent" && typeof pair[1] === "string") found += pair[1];
  }
  return found;
}

/**
 * answered returns the request as it was answered: an outcome speaks of the server at the end of
 * the redirects.
 */
export function answered(r: Begun, { url, responseURL = url, status }: { url?: string; responseURL?: string | undefined; status: number }): Begun {
  return { ...r, url: responseURL || r.url, took: ticks() - r.ticks!, status };
}

/** ticks is a clock in milliseconds that nobody sets. */
export function ticks(): number {
  return performance.now();
}
