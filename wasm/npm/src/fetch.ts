// fetch, and the methods that read a response to its end.

import type { Hooks } from "./hook.ts";
import { windowLength } from "./recorder.ts";
import { answered, begin, type Begun, type Watch } from "./watch.ts";

// Not formData: it rejects with the same TypeError whether the body broke off or is no form.
const readers = ["arrayBuffer", "blob", "bytes", "json", "text"];
const maxHeads = 64;

/** hookFetch watches window.fetch. What it returns counts the responses that nobody reads. */
export function hookFetch(hooks: Hooks, watch: Watch): () => void {
  const known = new WeakMap<Response, Begun>();
  // Answered, without an end yet: one request is to be counted once, by how it ended.
  const heads = new Set<Begun>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const unread = (head: Begun) => {
    if (heads.delete(head)) watch.ended(head);
  };

  // Whether a stream that the page reads itself breaks off cannot be seen without touching it. What
  // the page reads later is waited for until a failure is to be told, or as long as a window lasts.
  const settle = () => {
    clearTimeout(timer);
    timer = undefined;
    heads.forEach(unread);
  };

  const answer = (request: Begun, response: Response) => {
    const head = answered(request, response);
    if (head.status >= 400 || !response.body) return watch.ended(head);
    known.set(response, head);
    timer ??= setTimeout(settle, windowLength);
    if (heads.add(head).size > maxHeads) unread([...heads][0]!);
  };

  hooks.wrap(window, "fetch", (original) => function (this: unknown, ...args) {
    const begun = watch.active() && begin(args[0], args[1]);
    const promise = original.apply(this, args);
    // The page may have put another class into Promise's place, and Response's.
    if (!begun || !promise?.then) return promise;
    let sent: boolean | undefined;
    const seen = after(promise, (response) => response?.status >= 0 && answer(begun, response), (error) => sent && watch.failed(begun, error));
    // What is rejected before fetch returns never became a request: wrong arguments, or a signal
    // that was aborted before.
    queueMicrotask(() => (sent = true));
    return seen;
  });

  for (const name of readers) {
    hooks.wrap(window.Response?.prototype, name, (original) => function (this: Response, ...args) {
      const head = known.get(this)!;
      const first = !this.bodyUsed && heads.delete(head);
      const promise = original.apply(this, args);
      if (!first || !promise?.then) return promise;
      return after(promise, () => watch.ended(head), (error) => {
        // What is no JSON, or too large for one string, was read to its end.
        if (error instanceof SyntaxError || error instanceof RangeError) watch.ended(head);
        else watch.failed(head, error);
      });
    });
  }
  return settle;
}

/** after looks at what becomes of a promise, which it passes on. */
function after(promise: any, good: (value: any) => void, bad: (error: unknown) => void): unknown {
  return promise.then(
    (value: unknown) => {
      good(value);
      return value;
    },
    (error: unknown) => {
      bad(error);
      throw error;
    },
  );
}
