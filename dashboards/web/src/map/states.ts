// The state of every server, from the two bit strings that the API sends.

import type { ServerState } from "../api.gen.ts";

export class States {
  constructor(
    readonly count: number,
    private readonly upBits: Uint8Array,
    private readonly unknownBits: Uint8Array,
  ) {}

  /** The state of server i. A server beyond the bits is unknown. */
  at(i: number): ServerState {
    const byte = i >> 3;
    const mask = 1 << (i & 7);
    if (i >= this.count || byte >= this.upBits.length || ((this.unknownBits[byte] ?? 0) & mask) !== 0) return "unknown";
    return (this.upBits[byte]! & mask) !== 0 ? "up" : "down";
  }

  /** How many of the n servers from first on are in the state. */
  tally(state: ServerState, first: number, n: number): number {
    let sum = 0;
    for (let i = first; i < first + n; i++) {
      if (this.at(i) === state) sum++;
    }
    return sum;
  }

  /** The next server after i that is down, going round; -1 when none is. */
  nextDown(i: number): number {
    for (let step = 1; step <= this.count; step++) {
      const at = (i + step) % this.count;
      if (this.at(at) === "down") return at;
    }
    return -1;
  }
}
