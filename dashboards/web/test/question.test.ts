import assert from "node:assert/strict";
import { test } from "node:test";
import { csv, queryFor, questionOf } from "../src/views/explore/question.ts";

test("a question is what its address says, and the default where that makes no sense", () => {
  const q = { by: ["asn" as const, "type" as const], since: "6h", type: "tcp", target: "https://shop.example" };
  assert.deepEqual(questionOf(queryFor(q)), q);
  assert.deepEqual(questionOf("by=colour,asn,asn&since=1y"), { by: ["asn"], since: "1h", type: "", target: "" });
  assert.deepEqual(questionOf(""), { by: ["type"], since: "1h", type: "", target: "" });
});

test("CSV quotes what needs it, and is no formula", () => {
  assert.equal(csv([["a,b", 'say "x"', 1], ["=1+1", "-", 2]]), '"a,b","say ""x""",1\r\n\'=1+1,\'-,2\r\n');
});
