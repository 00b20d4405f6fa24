// Which view is shown: the page's address after "#/" says it, so that links, the history and
// reloading work and the server knows nothing of it.
import { signal } from "@preact/signals";

/** What follows "#/", without a query and a slash at the end; "" at the beginning. */
export function pathOf(hash: string): string {
  return hash.replace(/\?.*$/, "").replace(/^#?\/?/, "").replace(/\/$/, "");
}

/** What follows the "?" in what follows "#". */
export function queryOf(hash: string): string {
  return hash.includes("?") ? hash.slice(hash.indexOf("?") + 1) : "";
}

export const path = signal("");
export const query = signal("");

/** Follows the address. */
export function startRouter(): void {
  const read = () => {
    path.value = pathOf(location.hash);
    query.value = queryOf(location.hash);
  };
  addEventListener("hashchange", read);
  addEventListener("popstate", read); // back to an address that setQuery made
  read();
}

/** Changes the query of the address, as a step of its own in the browser's history or in place. */
export function setQuery(next: string, step: boolean): void {
  if (next === query.peek()) return;
  const address = `#/${path.peek()}${next === "" ? "" : `?${next}`}`;
  if (step) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  query.value = next;
}

/** The view of a path: the one with the longest path that it begins with, else the first. */
export function viewOf<V extends { path: string }>(at: string, views: readonly [V, ...V[]]): V {
  const fits = views.filter((v) => at === v.path || (v.path !== "" && at.startsWith(`${v.path}/`)));
  return fits.sort((a, b) => b.path.length - a.path.length)[0] ?? views[0];
}
