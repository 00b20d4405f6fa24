import assert from "node:assert/strict";
import { test } from "node:test";
import { outcomeWords } from "../src/outcomes.ts";

test("an unknown outcome takes the words of its nearest known prefix", () => {
  assert.equal(outcomeWords("tcp.reset"), "connection reset");
  assert.equal(outcomeWords("tls.cert.brand_new"), "certificate invalid");
  assert.equal(outcomeWords("quic.whatever"), "failed");
  assert.equal(outcomeWords(""), "failed");
});
