import assert from "node:assert/strict";
import { test } from "node:test";
import { pathOf, queryOf, viewOf } from "../src/router.ts";

test("the address after # is the path", () => {
  for (const [hash, want] of [["", ""], ["#", ""], ["#/", ""], ["#/incidents", "incidents"], ["#/incidents/7/", "incidents/7"], ["#/explore?by=a/b", "explore"]]) {
    assert.equal(pathOf(hash!), want);
  }
});

test("what follows ? is the query", () => {
  assert.equal(queryOf("#/explore?by=type&since=1h"), "by=type&since=1h");
  assert.equal(queryOf("#/explore"), "");
});

test("a path has the view that it begins with, and an unknown one the first", () => {
  const views: [{ path: string }, ...{ path: string }[]] = [{ path: "" }, { path: "incidents" }, { path: "incidents/all" }];
  for (const [at, want] of [
    ["", ""], ["incidents", "incidents"], ["incidents/7", "incidents"], ["incidents/all", "incidents/all"], ["incidentsx", ""], ["gone", ""],
  ]) {
    assert.equal(viewOf(at!, views).path, want);
  }
});
