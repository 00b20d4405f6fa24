// The two modules of Node that the tests use, so that no package of types is needed.
declare module "node:test" {
  interface Timers {
    enable(options: { apis: string[]; now: number }): void;
    tick(ms: number): void;
  }
  export function test(name: string, run: (t: { mock: { timers: Timers } }) => void | Promise<void>): Promise<void>;
}
declare function setImmediate(run: () => void): void;
declare module "node:assert/strict" {
  const assert: {
    equal(actual: unknown, expected: unknown, message?: string): void;
    deepEqual(actual: unknown, expected: unknown, message?: string): void;
    ok(value: unknown, message?: string): void;
  };
  export default assert;
}
