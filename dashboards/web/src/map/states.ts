// The state of every server, from the two bit strings that the API sends.

import type { ServerState } from "../api.gen.ts";

/** How many bits of a byte are set. */
const ones = Uint8Array.from({ length: 256 }, (_, byte) => {
  let n = 0;
  for (let rest = byte; rest > 0; rest &= rest - 1) n++;
  return n;
});

/** What a cell of the map shows. */
export type Mark = ServerState | "failed" | "recovered" | "still down";

/**
 * What the map shows of the servers: their states, or how these differ from those of another time.
 */
export interface Cells {
  count: number;
  /** The marks that stand out, the most important first. */
  notable: Mark[];
  at(i: number): Mark;
  /** How many of the n servers from first on have the mark. */
  tally(mark: Mark, first: number, n: number): number;
  /** The first server from i on, and before end, without the mark; end when there is none. */
  runEnd(mark: Mark, i: number, end: number): number;
  /** The first server from i on, and before end, with the mark; end when there is none. */
  find(mark: Mark, i: number, end: number): number;
  nextDown(i: number): number;
  /**
   * The servers that others show otherwise; undefined if they are more than most, or
   * not comparable.
   */
  changed(others: Cells, most: number): number[] | undefined;
}

/** The first n of the servers in which pairs of bit strings differ; undefined if there are more. */
export function differing(pairs: [Uint8Array, Uint8Array][], most: number): number[] | undefined {
  const all = new Set<number>();
  for (const [a, b] of pairs) {
    const bytes = Math.max(a.length, b.length);
    for (let byte = sameUntil(a, b, 0); byte < bytes; byte = sameUntil(a, b, byte + 1)) {
      const bits = (a[byte] ?? 0) ^ (b[byte] ?? 0);
      if (bits === 0) continue;
      for (let bit = 0; bit < 8; bit++) if ((bits & (1 << bit)) !== 0) all.add(byte * 8 + bit);
      if (all.size > most) return undefined;
    }
  }
  return [...all];
}

/** A byte from one on before which there is no difference; four bytes are compared at once. */
function sameUntil(a: Uint8Array, b: Uint8Array, byte: number): number {
  if ((byte & 3) !== 0 || ((a.byteOffset | b.byteOffset) & 3) !== 0) return byte;
  const words = Math.min(a.length, b.length) >> 2;
  const [x, y] = [new Uint32Array(a.buffer, a.byteOffset, words), new Uint32Array(b.buffer, b.byteOffset, words)];
  let word = byte >> 2;
  while (word < words && x[word] === y[word]) word++;
  return Math.max(byte, word << 2);
}

export class States implements Cells {
  readonly notable: Mark[] = ["down"];

  constructor(
    readonly count: number,
    readonly upBits: Uint8Array,
    readonly unknownBits: Uint8Array,
  ) {}

  /** The state of server i. A server beyond the bits is unknown. */
  at(i: number): ServerState {
    const byte = i >> 3;
    const mask = 1 << (i & 7);
    if (i >= this.count || byte >= this.upBits.length || ((this.unknownBits[byte] ?? 0) & mask) !== 0) return "unknown";
    return (this.upBits[byte]! & mask) !== 0 ? "up" : "down";
  }

  /** The bits of eight servers that are in a state, those of servers beyond the last among them. */
  #bits(state: Mark, byte: number): number {
    const unknown = byte < this.upBits.length ? (this.unknownBits[byte] ?? 0) : 0xff;
    if (state === "unknown") return unknown;
    if (state === "up") return this.upBits[byte]! & ~unknown;
    return state === "down" ? ~this.upBits[byte]! & ~unknown & 0xff : 0;
  }

  /** How many of the n servers from first on are in the state. */
  tally(state: Mark, first: number, n: number): number {
    let sum = 0;
    let i = first;
    const end = first + n;
    for (; i < end && (i & 7) !== 0; i++) if (this.at(i) === state) sum++;
    const whole = Math.min(end, this.count);
    for (; i + 8 <= whole; i += 8) sum += ones[this.#bits(state, i >> 3)]!;
    for (; i < end; i++) if (this.at(i) === state) sum++;
    return sum;
  }

  /**
   * The first server from i on, and before end, that is not in the state; end when there is none.
   */
  runEnd(state: Mark, i: number, end: number): number {
    while (i < end) {
      if ((i & 7) === 0 && i + 8 <= Math.min(end, this.count) && this.#bits(state, i >> 3) === 0xff) i += 8;
      else if (this.at(i) === state) i++;
      else break;
    }
    return i;
  }

  /** The first server from i on, and before end, that is in the state; end when there is none. */
  find(state: Mark, i: number, end: number): number {
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

  changed(others: Cells, most: number): number[] | undefined {
    if (!(others instanceof States) || others.count !== this.count) return undefined;
    return differing([[this.upBits, others.upBits], [this.unknownBits, others.unknownBits]], most);
  }

  /** The same with other states of some servers. */
  with(changes: { up?: number[]; down?: number[]; unknown?: number[] }): States {
    const up = this.upBits.slice();
    const unknown = new Uint8Array(up.length);
    unknown.set(this.unknownBits.subarray(0, up.length));
    for (const state of ["up", "down", "unknown"] as const) {
      for (const i of changes[state] ?? []) {
        const mask = 1 << (i & 7);
        up[i >> 3] = state === "up" ? up[i >> 3]! | mask : up[i >> 3]! & ~mask;
        unknown[i >> 3] = state === "unknown" ? unknown[i >> 3]! | mask : unknown[i >> 3]! & ~mask;
      }
    }
    return new States(this.count, up, unknown);
  }
}
