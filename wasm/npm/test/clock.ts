import { newRecorder, type Recorder } from "../src/recorder.ts";

/** Clock is time that passes only when a test says so. */
export class Clock {
  now = 1_000_000;
  private timers: { at: number; call: () => void }[] = [];

  after = (ms: number, call: () => void): (() => void) => {
    const timer = { at: this.now + ms, call };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((t) => t !== timer);
    };
  };

  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = this.timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers = this.timers.filter((t) => t !== next);
      this.now = next.at;
      next.call();
    }
    this.now = end;
  }

  get pending(): number {
    return this.timers.length;
  }
}

export interface Bench {
  clock: Clock;
  recorder: Recorder;
  needs: number;
  dues: number;
}

/**
 * bench makes a recorder whose coins fall as coins says, one after another, 0 being heads for any
 * fraction above 0.
 */
export function bench(fraction: number, coins: number[] = []): Bench {
  const clock = new Clock();
  const b = { clock, needs: 0, dues: 0 } as Bench;
  // What the recorder has from its surroundings: the time, chance and timers.
  const page = globalThis as { setTimeout: unknown; clearTimeout: unknown };
  Date.now = () => clock.now;
  Math.random = () => coins.shift() ?? 0.999;
  page.setTimeout = (call: () => void, ms: number) => clock.after(ms, call);
  page.clearTimeout = (cancel?: () => void) => cancel?.();
  b.recorder = newRecorder({ fraction, need: () => b.needs++, due: () => b.dues++ });
  return b;
}
