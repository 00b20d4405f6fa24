import assert from "node:assert/strict";
import { test } from "node:test";
import { namesIn } from "../src/views/incidents/names.ts";

test("a text for the public is searched for names", () => {
  const names = ["Ridge Mobile", "AS64501", "192.0.2.7", "web-7"];
  assert.deepEqual(namesIn("Some of you cannot pay. We are on it.", names), []);
  assert.deepEqual(namesIn("WEB-7 (192.0.2.7) is down for ridge mobile", names), ["Ridge Mobile", "192.0.2.7", "web-7"]);
});
