import assert from "node:assert/strict";
import { test } from "node:test";
import { pathOf, viewOf } from "../src/router.ts";

test("the address after # is the path", () => {
  for (const [hash, want] of [["", ""], ["#", ""], ["#/", ""], ["#/incidents", "incidents"], ["#/incidents/7/", "incidents/7"]]) {
    assert.equal(pathOf(hash!), want);
  }
});

test("a path has the view that it begins with, and an unknown one the first", () => {
  const views: [{ path: string }, ...{ path: string }[]] = [{ path: "" }, { path: "incidents" }, { path: "incidents/all" }];
  for (const [at, want] of [
    ["", ""], ["incidents", "incidents"], ["incidents/7", "incidents"], ["incidents/all", "incidents/all"], ["incidentsx", ""], ["gone", ""],
  ]) {
    assert.equal(viewOf(at!, views).path, want);
  }
});
