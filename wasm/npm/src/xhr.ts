// XMLHttpRequest.

import type { Hooks } from "./hook.ts";
import { ofStatus } from "./outcome.ts";
import { answered, begin, type Begun, type Watch } from "./watch.ts";

interface Call {
  method: unknown;
  url: unknown;
  sync: boolean;
  begun?: Begun | undefined; // undefined: not sent, or ended
}

/**
 * hookXHR watches open and send, and the events at the end. Nothing is added to upload: that alone
 * would cause a CORS preflight.
 */
export function hookXHR(hooks: Hooks, watch: Watch): void {
  const prototype = window.XMLHttpRequest?.prototype;
  const calls = new WeakMap<XMLHttpRequest, Call>();

  // Ends a call, by the name of what it failed with or the status that came.
  const end = (xhr: XMLHttpRequest, call: Call | undefined, name?: string | false) => {
    if (!call?.begun) return;
    const { status, responseURL } = xhr;
    const request = answered(call.begun, responseURL);
    call.begun = undefined;
    if (name || !status) watch.failed(request, { name }, null, status);
    else watch.ended(request, ofStatus(status), status);
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
      calls.set(this, { method: args[0], url: args[1], sync: args.length > 2 && !args[2] });
    }
    return result;
  });

  hooks.wrap(prototype, "send", (original) => function (this: XMLHttpRequest, ...args) {
    const call = calls.get(this);
    if (!call || call.begun || !watch.active()) return original.apply(this, args);
    call.begun = begin(call.url, call.method);
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
