// The package's entry. Importing it does nothing.

import { newAgent } from "./agent.ts";
import type { Heliograph, Options } from "./heliograph.d.ts";
import type * as api from "./heliograph.d.ts";

// Bundles may hold this module twice; two agents would count everything twice.
const key = Symbol.for("heliograph");
const page = globalThis as { [key]?: Heliograph | undefined };

// Where there is no page (a server renders it), or with options that TypeScript does not let pass.
const inert: Heliograph = {
  setConsent() {},
  observe() {},
  captureError() {},
  stop() {},
  flush: async () => {},
  sent: async () => [],
  stats: async () => ({ state: "blocked", observed: 0, dropped: 0 }),
};

export function start(options: Options): Heliograph {
  try {
    // Bundlers take a URL of a constant and import.meta.url for a file to be bundled, and warn that
    // there is none; the text before it tells them that it is not.
    return (page[key] ??= newAgent(options, new URL(".", "" + import.meta.url), () => (page[key] = undefined)));
  } catch {
    return inert;
  }
}

start satisfies typeof api.start;
