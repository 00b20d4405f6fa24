// What the tests use of Node, so that they need no further package.
declare module "node:test" {
  export function test(name: string, run: () => void | Promise<void>): void;
}
declare module "node:assert/strict" {
  const assert: {
    equal(got: unknown, want: unknown, text?: string): void;
    deepEqual(got: unknown, want: unknown, text?: string): void;
    ok(value: unknown, text?: string): void;
  };
  export default assert;
}
