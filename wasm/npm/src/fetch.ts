// fetch, and the methods that read a response to its end.

import type { Hooks } from "./hook.ts";
import { ofStatus } from "./outcome.ts";
import { batchDelay } from "./recorder.ts";
import { answered, begin, type Begun, type Watch } from "./watch.ts";

/** A response whose body has not been read to its end. */
interface Head {
  request: Begun;
  status: number;
  signal: AbortSignal | null | undefined;
  reading?: boolean;
  counted?: boolean;
}

// Not formData: it rejects with the same TypeError whether the body broke off or is no form.
const readers = ["arrayBuffer", "blob", "bytes", "json", "text"];
const maxHeads = 64;

/** hookFetch watches window.fetch. What it returns counts the responses that nobody reads. */
export function hookFetch(hooks: Hooks, watch: Watch): () => void {
  const known = new WeakMap<Response, Head>();
  let heads: Head[] = []; // without an end yet: one request is to be counted once, by how it ended
  let timer: ReturnType<typeof setTimeout> | undefined;

  const end = (h: Head) => {
    if (!h.counted) watch.ended(h.request, ofStatus(h.status), h.status);
    h.counted = true;
  };

  // Whether a stream that the page reads itself breaks off cannot be seen without touching it.
  const settle = () => {
    clearTimeout(timer);
    timer = undefined;
    for (const h of heads.splice(0)) if (!h.reading) end(h);
  };

  const answer = (request: Begun, response: Response, signal: AbortSignal | null | undefined) => {
    const { status } = response;
    const head = { request: answered(request, response.url), status, signal };
    if (status >= 400 || !response.body) return end(head);
    known.set(response, head);
    timer ??= setTimeout(settle, batchDelay);
    if (heads.push(head) > maxHeads) settle();
  };

  hooks.replace(window, "fetch", (original) => function (this: unknown, ...args) {
    const [input, init] = args;
    if (!watch.active()) return original.apply(this, args);
    const request = input instanceof Request ? input : undefined;
    const begun = begin(request?.url ?? input, init?.method ?? request?.method);
    const signal = init?.signal === undefined ? request?.signal : init.signal;
    const promise: unknown = original.apply(this, args);
    if (!begun || !(promise instanceof Promise)) return promise;
    let sent = false;
    const seen = promise.then(
      (response: Response) => {
        if (response instanceof Response) answer(begun, response, signal);
        return response;
      },
      (error: unknown) => {
        if (sent) watch.failed(begun, error, signal, 0);
        throw error;
      },
    );
    // What is rejected before fetch returns never became a request: wrong arguments, or a signal
    // that was aborted before.
    queueMicrotask(() => (sent = true));
    return seen;
  });

  for (const name of readers) {
    hooks.replace(window.Response?.prototype, name, (original) => function (this: Response, ...args) {
      const head = known.get(this);
      const first = head && !head.reading && !this.bodyUsed;
      const promise: unknown = original.apply(this, args);
      if (!first || !(promise instanceof Promise)) return promise;
      head.reading = true;
      return promise.then(
        (value) => {
          end(head);
          return value;
        },
        (error: unknown) => {
          // What is no JSON, or too large for one string, was read to its end.
          if (error instanceof SyntaxError || error instanceof RangeError) end(head);
          else watch.failed(head.request, error, head.signal, head.status);
          throw error;
        },
      );
    });
  }
  return settle;
}
