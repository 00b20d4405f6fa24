import assert from "node:assert/strict";
import { test } from "node:test";
import { newHooks } from "../src/hook.ts";

function target(): { add: (a: number, b: number) => number } {
  return { add: function add(a: number, b: number) { return a + b; } };
}

test("a replaced function looks the same and is put back", () => {
  const t = target();
  const before = t.add;
  const hooks = newHooks();
  let calls = 0;
  hooks.wrap(t, "add", (original) => function (this: unknown, ...args) {
    calls++;
    return original.apply(this, args);
  });
  assert.ok(t.add !== before);
  assert.deepEqual([t.add(1, 2), t.add.name, t.add.length, calls], [3, "add", 2, 1]);
  hooks.unhook();
  assert.ok(t.add === before);
});

test("beneath another library's wrapper it stays, and is not put there twice", () => {
  const t = target();
  const hooks = newHooks();
  let calls = 0;
  const watch = () => hooks.wrap(t, "add", (original) => (...args) => {
    calls++;
    return original(...args);
  });
  watch();
  const ours = t.add;
  const theirs = (a: number, b: number) => ours(a, b) + 100;
  t.add = theirs;
  hooks.unhook();
  assert.ok(t.add === theirs, "another library's wrapper was removed");
  watch();
  assert.equal(t.add(1, 2), 103);
  assert.equal(calls, 1);
});

test("what cannot be replaced is left alone", () => {
  const hooks = newHooks();
  const frozen = Object.freeze(target());
  hooks.wrap(frozen, "add", () => () => 0);
  hooks.wrap(undefined, "add", () => () => 0);
  hooks.wrap({}, "missing", () => () => 0);
  assert.equal(frozen.add(1, 2), 3);
  hooks.unhook();
});

test("what the page freezes later stays, and everything else is taken off", () => {
  const hooks = newHooks();
  const t = target();
  const other = { sub: (a: number, b: number) => a - b };
  const sub = other.sub;
  let calls = 0;
  hooks.wrap(t, "add", (original) => function (this: unknown, ...args) {
    calls++;
    return original.apply(this, args);
  });
  hooks.wrap(other, "sub", () => () => 0);
  Object.freeze(t);
  hooks.unhook();
  assert.ok(other.sub === sub);
  hooks.wrap(t, "add", () => () => 0);
  assert.deepEqual([t.add(1, 2), calls], [3, 1]);
});

test("a listener that throws does so for itself", () => {
  const hooks = newHooks();
  const t = new EventTarget();
  let heard = 0;
  hooks.listen(t, "x", () => {
    heard++;
    throw new Error("of the agent's");
  });
  t.dispatchEvent(new Event("x"));
  hooks.unhook();
  t.dispatchEvent(new Event("x"));
  hooks.listen(undefined, "x", () => {});
  hooks.unhook();
  assert.equal(heard, 1);
});
