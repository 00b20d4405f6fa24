// The state of every server, from the two bit strings that the API sends.

import type { ServerState } from "../api.gen.ts";

/** How many bits of a byte are set. */
const ones = Uint8Array.from({ length: 256 }, (_, byte) => {
  let n = 0;
  for (let rest = byte; rest > 0; rest &= rest - 1) n++;
  return n;
});

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

  /** The bits of eight servers that are in a state, those of servers beyond the last among them. */
  #bits(state: ServerState, byte: number): number {
    const unknown = byte < this.upBits.length ? (this.unknownBits[byte] ?? 0) : 0xff;
    if (state === "unknown") return unknown;
    return (state === "up" ? this.upBits[byte]! : ~this.upBits[byte]!) & ~unknown & 0xff;
  }

  /** How many of the n servers from first on are in the state. */
  tally(state: ServerState, first: number, n: number): number {
    let sum = 0;
    let i = first;
    const end = first + n;
    for (; i < end && (i & 7) !== 0; i++) if (this.at(i) === state) sum++;
    const whole = Math.min(end, this.count);
    for (; i + 8 <= whole; i += 8) sum += ones[this.#bits(state, i >> 3)]!;
    for (; i < end; i++) if (this.at(i) === state) sum++;
    return sum;
  }

  /** The first server from i on, and before end, that is not in the state; end when there is none. */
  runEnd(state: ServerState, i: number, end: number): number {
    while (i < end) {
      if ((i & 7) === 0 && i + 8 <= Math.min(end, this.count) && this.#bits(state, i >> 3) === 0xff) i += 8;
      else if (this.at(i) === state) i++;
      else break;
    }
    return i;
  }

  /** The first server from i on, and before end, that is in the state; end when there is none. */
  find(state: ServerState, i: number, end: number): number {
    while (i < end) {
      if ((i & 7) === 0 && i + 8 <= Math.min(end, this.count) && this.#bits(state, i >> 3) === 0) i += 8;
      else if (this.at(i) !== state) i++;
      else break;
    }
    return Math.min(i, end);
  }

  /** The next server after i that is down, going round; -1 when none is. */
  nextDown(i: number): number {
    const after = this.find("down", i + 1, this.count);
    if (after < this.count) return after;
    const before = this.find("down", 0, i + 1);
    return before <= i && this.at(before) === "down" ? before : -1;
  }
}
