// Elements that load something: images, scripts, style sheets, media. Their events do not bubble,
// but the document sees them first.

import type { Hooks } from "./hook.ts";
import { ofResource } from "./outcome.ts";
import { begin, type Watch } from "./watch.ts";

/** hookResources watches the document's elements. */
export function hookResources(hooks: Hooks, watch: Watch): void {
  const request = ({ target }: Event) => (watch.active() ? begin(source(target), "GET") : undefined);
  const loaded = (event: Event) => {
    const begun = request(event);
    if (begun) watch.ended(begun, "ok", 0);
  };
  const failed = (event: Event) => {
    const begun = request(event);
    // The browser's record of the request may come after the event.
    if (begun) setTimeout(() => {
      const entry = performance.getEntriesByName(begun.url).pop() as PerformanceResourceTiming | undefined;
      begun.took = 0;
      const status = entry?.responseStatus ?? 0;
      watch.ended(begun, ofResource(status), status, entry?.nextHopProtocol);
    });
  };
  hooks.listen(document, "load", loaded, true);
  hooks.listen(document, "loadeddata", loaded, true);
  hooks.listen(document, "error", failed, true);
}

/**
 * source is what an element loads. Frames have none here: they fire "load" for every error page.
 */
function source(element: any): unknown {
  return /^i?frame$/i.test(element.tagName) ? undefined : element.currentSrc || element.src || element.href || element.data;
}
