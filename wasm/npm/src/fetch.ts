// fetch, and the methods that read a response to its end.

import type { Hooks } from "./hook.ts";
import { ofStatus } from "./outcome.ts";
import { windowLength } from "./recorder.ts";
import { answered, begin, type Begun, type Watch } from "./watch.ts";

/** A response whose body has not been read to its end. */
interface Head {
  begunAs: Begun;
  status: number;
  signal: AbortSignal | null | undefined;
  told?: boolean; // counted, or being read
}

// Not formData: it rejects with the same TypeError whether the body broke off or is no form.
const readers = ["arrayBuffer", "blob", "bytes", "json", "text"];
const maxHeads = 64;

/** hookFetch watches window.fetch. What it returns counts the responses that nobody reads. */
export function hookFetch(hooks: Hooks, watch: Watch): () => void {
  const known = new WeakMap<Response, Head>();
  let heads: Head[] = []; // without an end yet: one request is to be counted once, by how it ended
  let timer: ReturnType<typeof setTimeout> | undefined;

  const end = (h: Head) => watch.ended(h.begunAs, ofStatus(h.status), h.status);

  const unread = (h: Head) => {
    if (!h.told) end(h);
    h.told = true;
  };

  // Whether a stream that the page reads itself breaks off cannot be seen without touching it. What
  // the page reads later is waited for until a failure is to be told, or as long as a window lasts.
  const settle = () => {
    clearTimeout(timer);
    timer = undefined;
    heads.splice(0).forEach(unread);
  };

  const answer = (request: Begun, response: Response, signal: AbortSignal | null | undefined) => {
    const { status } = response;
    const head = { begunAs: answered(request, response.url), status, signal };
    if (status >= 400 || !response.body) return end(head);
    known.set(response, head);
    timer ??= setTimeout(settle, windowLength);
    if (heads.push(head) > maxHeads) unread(heads.shift()!);
  };

  hooks.wrap(window, "fetch", (original) => function (this: unknown, ...args) {
    const [input, init] = args;
    if (!watch.active()) return original.apply(this, args);
    const begun = begin(input, init?.method ?? input?.method);
    const signal = init?.signal === undefined ? input?.signal : init.signal;
    const promise = original.apply(this, args);
    // The page may have put another class into Promise's place, and Response's.
    if (!begun || !promise?.then) return promise;
    let sent = false;
    const seen = promise.then(
      (response: Response) => {
        if (response?.status >= 0) answer(begun, response, signal);
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
    hooks.wrap(window.Response?.prototype, name, (original) => function (this: Response, ...args) {
      const head = known.get(this);
      const first = head && !head.told && !this.bodyUsed;
      const promise = original.apply(this, args);
      if (!first || !promise?.then) return promise;
      head.told = true;
      return promise.then(
        (value: unknown) => {
          end(head);
          return value;
        },
        (error: unknown) => {
          // What is no JSON, or too large for one string, was read to its end.
          if (error instanceof SyntaxError || error instanceof RangeError) end(head);
          else watch.failed(head.begunAs, error, head.signal, head.status);
          throw error;
        },
      );
    });
  }
  return settle;
}
