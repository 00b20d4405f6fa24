import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame } from "../src/messages.ts";
import { baseName, parse } from "../src/stack.ts";

test("stacks of each browser become frames, without hosts, paths and queries", () => {
  const cases: { name: string; message?: string; stack: string; want: Frame[] }[] = [
    {
      name: "Chromium",
      message: "x is not a function",
      stack: `TypeError: x is not a function
    at buy (https://shop.example/assets/cart-4f2a.js?v=9&user=ann:10:15)
    at async Cart.submit (https://shop.example:8443/assets/cart-4f2a.js:22:3)
    at new Order (webpack-internal:///./src/order.js:5:1)
    at HTMLButtonElement.<anonymous> (https://shop.example/:12:7)
    at Array.map (<anonymous>)
    at https://shop.example/assets/main.js:1:2345
    at async https://shop.example/assets/main.js:7:1`,
      want: [
        ["buy", "cart-4f2a.js", 10], ["Cart.submit", "cart-4f2a.js", 22], ["new Order", "order.js", 5], ["HTMLButtonElement.<anonymous>", "", 12],
        ["Array.map", "<anonymous>", 0], ["", "main.js", 1], ["", "main.js", 7],
      ],
    },
    {
      name: "Chromium, evaluated code and an alias",
      stack: `Error
    at eval (eval at run (https://shop.example/a.js:3:4), <anonymous>:1:7)
    at Object.go [as onclick] (https://shop.example/b.js:8:9)`,
      want: [["eval", "<anonymous>", 1], ["Object.go [as onclick]", "b.js", 8]],
    },
    {
      name: "Chromium, a message that looks like a stack",
      message: "bad\n    at secret (https://shop.example/private:1:2)",
      stack: "Error: bad\n    at secret (https://shop.example/private:1:2)\n    at f (https://shop.example/a.js:3:4)",
      want: [["f", "a.js", 3]],
    },
    {
      name: "Firefox",
      stack: `buy@https://shop.example/assets/cart.js?v=9:10:15
async*submit@https://shop.example/assets/cart.js:22:3
Cart/this.go</<@https://shop.example/npm@1.2/x.js:5:1
@https://shop.example/#top:12:7
run@https://shop.example/a.js line 3 > eval:1:7
`,
      want: [["buy", "cart.js", 10], ["submit", "cart.js", 22], ["Cart/this.go</<", "x.js", 5], ["", "", 12], ["run", "a.js", 3]],
    },
    {
      name: "Safari",
      stack: "buy@https://shop.example/cart.js:10:15\n[native code]\nmap@[native code]\nglobal code@https://shop.example/index.html:3:4",
      want: [["buy", "cart.js", 10], ["map", "[native code]", 0], ["global code", "index.html", 3]],
    },
    { name: "none", stack: "", want: [] },
    { name: "no stack at all", stack: "Error: it failed", message: "it failed", want: [] },
  ];
  for (const c of cases) assert.deepEqual(parse(c.stack, c.message), c.want, c.name);
});

test("a stack is bounded", () => {
  const deep = Array.from({ length: 500 }, (_, i) => `    at f${i} (https://shop.example/a.js:${i}:1)`).join("\n");
  assert.equal(parse(deep).length, 32);
  const wide = `    at ${"f".repeat(5000)} (https://shop.example/${"a".repeat(5000)}.js:99999999999)`;
  const [func, file, line] = parse(wide)[0] ?? ["", "", -1];
  assert.deepEqual([func.length, file.length, line], [256, 256, 0], "a line that is no number of package report's");
});

test("base names", () => {
  const cases: [string, string][] = [
    ["https://shop.example/a/b.js", "b.js"], ["https://shop.example/a/?x=/secret", ""], ["C:\\Users\\ann\\a.js", "a.js"], ["a.js#x/y", "a.js"], ["", ""],
  ];
  for (const [url, want] of cases) assert.equal(baseName(url), want);
});
