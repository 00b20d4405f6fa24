import assert from "node:assert/strict";
import { test } from "node:test";
import { scopeOf } from "../src/views/incidents/mutes.tsx";

test("what is typed is a scope, or none", () => {
  assert.deepEqual(scopeOf("servers", " web-1*, east/web ,"), { servers: ["web-1*", "east/web"] });
  assert.deepEqual(scopeOf("asns", "AS64501, 64502"), { asns: [64501, 64502] });
  assert.equal(scopeOf("asns", "64501, Ridge"), undefined);
  for (const none of ["-1", "AS", "0x10", "1e3", "4294967296"]) assert.equal(scopeOf("asns", none), undefined, none);
  assert.deepEqual(scopeOf("countries", "de"), { countries: ["DE"] });
  assert.deepEqual(scopeOf("target", "https://shop.example"), { target: "https://shop.example" });
  assert.equal(scopeOf("servers", " , "), undefined);
});
