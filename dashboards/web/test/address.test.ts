import assert from "node:assert/strict";
import { test } from "node:test";
import { readAddress, writeAddress } from "../src/map/address.ts";

test("every view of the map is an address, and back", () => {
  const queries = [
    "", "order=hilbert", "part=north%2Fdc-1%2Fweb", "cell=14&near=765432", "at=2026-11-30T12%3A00%3A00Z&compare=now", "find=web-2",
    "order=hilbert&part=a%26b&cell=2.5&near=0&at=2026-11-30T12%3A00%3A00Z&find=x+y",
  ];
  for (const query of queries) assert.equal(writeAddress(readAddress(query)), query);
});

test("what an address says wrong is as if it were not there", () => {
  for (const query of ["order=best", "cell=-3", "cell=x&near=1e999", "at=yesterday", "compare=now", "near=5"]) assert.equal(writeAddress(readAddress(query)), "", query);
  assert.equal(readAddress(`find=${"x".repeat(500)}`).find.length, 100);
});
