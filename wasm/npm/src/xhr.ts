// XMLHttpRequest.

import type { Hooks } from "./hook.ts";
import { answered, begin, type Begun, type Watch } from "./watch.ts";

interface Call {
  method: unknown;
  url: unknown;
  sync: boolean;
  headers: unknown[][]; // names and values
  begun?: Begun | undefined; // undefined: not sent, or ended
}

/**
 * hookXHR watches open, setRequestHeader and send, and the events at the end. Nothing is added to
 * upload: that alone would cause a CORS preflight.
 */
export function hookXHR(hooks: Hooks, watch: Watch): void {
  const prototype = window.XMLHttpRequest?.prototype;
  const calls = new WeakMap<XMLHttpRequest, Call>();

  // Ends a call, by the name of what it failed with or the status that came.
  const end = (xhr: XMLHttpRequest, call: Call | undefined, name?: string | false) => {
    if (!call?.begun) return;
    const request = answered(call.begun, xhr);
    call.begun = undefined;
    if (name || !request.status) watch.failed(request, { name });
    else watch.ended(request);
  };

  const handle = function (this: XMLHttpRequest, { type }: Event) {
    // Otherwise the event is of a request before, and the page has opened the next one in its
    // own handler.
    if (this.readyState === 4) end(this, calls.get(this), type !== "load" && type);
  };

  hooks.wrap(prototype, "open", (original) => function (this: XMLHttpRequest, ...args) {
    const before = calls.get(this);
    if (this.readyState === 4) end(this, before); // a handler of the page's came before ours
    const result: unknown = original.apply(this, args);
    end(this, before, "abort"); // opening again ends a request without a word
    calls.delete(this);
    if (watch.active()) {
      for (const type of ["load", "abort", "timeout", "error"]) this.addEventListener(type, handle);
      calls.set(this, { method: args[0], url: args[1], sync: args.length > 2 && !args[2], headers: [] });
    }
    return result;
  });

  hooks.wrap(prototype, "setRequestHeader", (original) => function (this: XMLHttpRequest, ...args) {
    const result: unknown = original.apply(this, args);
    calls.get(this)?.headers.push(args);
    return result;
  });

  hooks.wrap(prototype, "send", (original) => function (this: XMLHttpRequest, ...args) {
    const call = calls.get(this);
    if (!call || call.begun || !watch.active()) return original.apply(this, args);
    call.begun = begin(call.url, call);
    try {
      const result: unknown = original.apply(this, args);
      if (call.sync) end(this, call);
      return result;
    } catch (error: any) {
      if (call.sync) end(this, call, error.name);
      call.begun = undefined;
      throw error;
    }
  });
}
