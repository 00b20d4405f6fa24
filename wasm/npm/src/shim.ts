// The package's entry. Importing it does nothing.

import { key, newAgent, page } from "./agent.ts";
import type { Heliograph, Options } from "./heliograph.d.ts";
import type * as api from "./heliograph.d.ts";
export { noise } from "./noise.ts";

export function start(options: Options): Heliograph {
  return page[key] ?? newAgent(options, import.meta.url);
}

start satisfies typeof api.start;
