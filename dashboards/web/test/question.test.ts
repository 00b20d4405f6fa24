import assert from "node:assert/strict";
import { test } from "node:test";
import { csv, curveOf, filtered, filtersOf, listCSV, pathFor, queryFor, questionOf, within, type Question } from "../src/views/explore/question.ts";

test("a question is what its address says, and the default where that makes no sense", () => {
  const q = { by: ["asn" as const, "type" as const], since: "6h", type: "tcp", target: "https://shop.example" };
  assert.deepEqual(questionOf(queryFor(q)), q);
  assert.deepEqual(questionOf("by=colour,asn,asn&since=1y"), { by: ["asn"], since: "1h", type: "", target: "" });
  assert.deepEqual(questionOf(""), { by: ["type"], since: "1h", type: "", target: "" });
});

test("a question has a time, filters and what is shown of it", () => {
  const q: Question = { show: "samples", by: ["type"], since: "60s", until: Date.parse("2026-11-22T12:00:00Z"), type: "", target: "", asn: "0", country: "DE" };
  assert.deepEqual(questionOf(queryFor(q)), q);
  assert.equal(pathFor(q, 5), "/api/v1/reports?since=60s&until=2026-11-22T12%3A00%3A00.000Z&asn=0&country=DE&limit=5");
  assert.equal(pathFor({ ...q, show: "errors" }, 5), "/api/v1/errors?since=60s&until=2026-11-22T12%3A00%3A00.000Z&limit=5");
  const { show: _, ...requests } = q;
  assert.equal(pathFor(requests, 5), "/api/v1/totals?since=60s&until=2026-11-22T12%3A00%3A00.000Z&asn=0&country=DE&by=type&limit=5");
  assert.deepEqual(within(filtered(filtered(q, "asn", ""), "server", "a:1"), { since: "1h", until: undefined }), {
    show: "samples", by: ["type"], since: "1h", type: "", target: "", country: "DE", server: "a:1",
  });
});

test("samples are searched for a text, which stays when something else is shown", () => {
  const q: Question = { show: "samples", by: ["type"], since: "1h", type: "", target: "", text: 'version:1.5 "a b"' };
  assert.deepEqual(questionOf(queryFor(q)), q);
  assert.equal(pathFor(q, 5), "/api/v1/reports?since=1h&q=version%3A1.5+%22a+b%22&limit=5");
  assert.equal(pathFor({ ...q, show: "requests" }, 5), "/api/v1/totals?since=1h&by=type&limit=5");
});

test("a list as CSV has all columns", () => {
  assert.equal(listCSV([{ a: 1 }, { b: "x,y", c: ["z"] }]), 'a,b,c\r\n1,,\r\n,"x,y","[""z""]"\r\n');
});

test("CSV quotes what needs it, and is no formula", () => {
  assert.equal(csv([["a,b", 'say "x"', 1], ["=1+1", "-", 2]]), '"a,b","say ""x""",1\r\n\'=1+1,\'-,2\r\n');
});

test("an application, a status and a source select sums, and are fields of the search for samples", () => {
  const q: Question = { by: ["type"], since: "1h", type: "", target: "", app: 'sh"op', status: "503", source: "agent", text: "cart" };
  assert.deepEqual(questionOf(queryFor(q)), q);
  assert.equal(pathFor(q, 5), "/api/v1/totals?since=1h&app=sh%22op&status=503&source=agent&by=type&limit=5");
  const samples = new URLSearchParams(pathFor({ ...q, show: "samples" }, 5).split("?")[1]);
  assert.deepEqual([samples.get("q"), samples.get("app")], ['app:"shop" status:"503" source:"agent" cart', null]);
  const unanswered: Question = { ...q, status: "0", show: "samples" };
  assert.equal(new URLSearchParams(pathFor(unanswered, 5).split("?")[1]).get("q"), 'app:"shop" source:"agent" cart', "no sample is found by a status that is none");
  assert.deepEqual([filtersOf(unanswered).includes("status"), filtersOf({ ...q, status: "0" }).includes("status")], [false, true]);
  assert.equal(curveOf(q), undefined);
  assert.equal(curveOf({ by: ["type"], since: "1h", type: "", target: "", asn: "7" }), "since=1h&asn=7");
  assert.equal(pathFor({ by: ["type"], since: "1h", type: "", target: "", app: "shop", show: "errors" }, 5), "/api/v1/errors?since=1h&app=shop&limit=5");
});
