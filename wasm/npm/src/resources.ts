// What elements and modules load: images, scripts, style sheets, media.

import type { Hooks } from "./hook.ts";
import { ofResource } from "./outcome.ts";
import { begin, type Begun, type Watch } from "./watch.ts";

const maxTold = 256;
const entryDelay = 1000; // milliseconds in which the events of a script's element come

/**
 * hookResources watches the document's elements. Their events do not bubble, but the document sees
 * them first. What it returns wants the browser's entry of each script: a module has no element of
 * its own, and the element that imports it fails with it.
 */
export function hookResources(hooks: Hooks, watch: Watch): (entry: PerformanceResourceTiming) => void {
  const told = new Set<string>(); // addresses of scripts that events told, until their entries come

  const request = ({ target, isTrusted }: { target: any; isTrusted: boolean }) => {
    if (!isTrusted || !watch.active() || /^module/i.test(target.type + target.rel)) return;
    if (told.size < maxTold && target.localName === "script") told.add(target.src);
    return begin(source(target));
  };
  // Tells what the browser's entry says of a request, of which a status below 400 is good or not.
  const tell = (begun: Begun, entry: any, good?: boolean) => {
    begun.took = 0;
    begun.status = entry?.responseStatus ?? 0;
    watch.ended(begun, good && begun.status ? undefined : ofResource(begun.status), entry?.nextHopProtocol);
  };
  const loaded = (event: Event) => {
    const begun = request(event as any);
    if (begun) watch.ended(begun);
  };
  const failed = (event: Event) => {
    const begun = request(event as any);
    // The browser's record of the request may come after the event.
    if (begun) setTimeout(() => tell(begun, performance.getEntriesByName(begun.url).pop()));
  };
  hooks.listen(document, "load", loaded, true);
  hooks.listen(document, "loadeddata", loaded, true);
  hooks.listen(document, "error", failed, true);

  return (entry) => setTimeout(() => {
    const begun = begin(entry.name)!;
    begun.start += entry.startTime - begun.ticks!;
    // An old browser does not say the status.
    if (!told.delete(entry.name) && entry.responseStatus >= 0) tell(begun, entry, true);
  }, entryDelay);
}

/**
 * source is what an element loads. Frames have none here: they fire "load" for every error page.
 */
function source(element: any): unknown {
  return /^i?frame$/.test(element.localName) ? undefined : element.currentSrc || element.src || element.href || element.data;
}
