package browser

import (
	"context"
	"encoding/hex"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// The trace ids of the requests in traced, by the form of their headers.
const traced = `const header = n => "00-" + String(n).padStart(32, "a") + "-00f067aa0ba902b7-01", name = "TraceParent";
const send = n => new Promise(done => { const x = new XMLHttpRequest; x.onloadend = done; x.open("POST", "/api/status/503"); x.setRequestHeader("x-other", "y"); x.setRequestHeader(name, header(n)); x.send("body") });
await fetch("/api/status/503", {headers: {"x-other": "y", [name]: header(1)}});
await fetch("/api/status/503", {headers: [["x-other", "y"], [name, header(2)]]});
await fetch(new Request("/api/status/503", {headers: new Headers({[name]: header(3)})}));
await send(4);
`

func tracedIDs() (want []string) {
	for n := range 4 {
		want = append(want, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"+string(rune('1'+n)))
	}
	return want
}

// TestTraces: the trace id of a failed request reaches the operator from Chromium and Firefox, and
// under the level "counts" it does not.
func TestTraces(t *testing.T) {
	t.Parallel()
	t.Run("Chromium", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		tab := f.open("strict", "diagnostics")
		tab.do(traced + "await h.flush()")
		f.awaitStored(counts{"http.error": 4})
		f.wantTraces(tracedIDs())
	})
	t.Run("Firefox", func(t *testing.T) {
		t.Parallel()
		f, _, _ := plainFixture(t)
		browser := startFirefox(t, filepath.Join(t.TempDir(), "profile"))
		tab := browser.open(f.pageURL("none", "diagnostics"))
		browser.eval(tab, "(async () => {"+traced+"await h.flush()})()")
		f.awaitStored(counts{"http.error": 4})
		f.wantTraces(tracedIDs())
	})
	t.Run("counts only", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		tab := f.open("strict", "counts")
		tab.do(traced + "await h.flush()")
		f.awaitStored(counts{"http.error": 4})
		f.wantTraces(nil)
	})
}

// wantTraces compares the trace ids of the fixture's samples, in any order.
func (f *fixture) wantTraces(want []string) {
	f.t.Helper()
	samples, err := f.rig.node.Store.Samples(f.t.Context(), model.SampleQuery{Since: time.Now().Add(-time.Hour), Limit: 1000})
	if err != nil {
		f.t.Fatal(err)
	}
	var got []string
	for i := range samples {
		if samples[i].App == f.app {
			got = append(got, hex.EncodeToString(samples[i].TraceID[:]))
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		f.t.Errorf("trace ids %q, want %q", got, want)
	}
}

// shimTraces: a traceparent is found in every form that a request's headers have, and is a text or
// nothing. init has them before the Request has.
func shimTraces(t *testing.T, ctx context.Context, site *shimSite) {
	for request, trace := range map[string]string{
		`fetch(u, {headers: {a: "b", traceparent: "1"}})`:                                         `"1"`,
		`fetch(u, {headers: {Traceparent: "1"}})`:                                                 `"1"`,
		`fetch(u, {headers: [["a", "b"], ["TRACEPARENT", "1"]]})`:                                 `"1"`,
		`fetch(u, {headers: new Headers({traceParent: "1"})})`:                                    `"1"`,
		`fetch(new Request(u, {headers: {traceparent: "1"}}))`:                                    `"1"`,
		`fetch(new Request(u, {headers: {traceparent: "1"}}), {headers: [["traceparent", "2"]]})`: `"2"`,
		`fetch(new Request(u, {headers: {traceparent: "1"}}), {headers: {}})`:                     `""`,
		`fetch(new Request(u, {headers: {traceparent: "1"}}), {method: "PUT"})`:                   `"1"`,
		`fetch(u, new Request(u, {headers: {traceparent: "1"}}))`:                                 `"1"`,
		`fetch(new other.Request(u, {headers: {traceparent: "1"}}))`:                              `"1"`,
		`fetch(u, {headers: new other.Headers({traceparent: "1"})})`:                              `"1"`,
		`fetch(u, {headers: {traceparent: 1}})`:                                                   `""`,
		`fetch(u, {headers: {traceparent: {toString: () => "1"}}})`:                               `""`,
		`fetch(u, {headers: new Headers})`:                                                        `null`,
		`fetch(u, {headers: [["traceparent", "1"], ["traceparent", "2"]]})`:                       `"12"`, // what is sent is invalid
		`fetch(u)`: `""`,
		`xhr(x => x.setRequestHeader("traceParent", "1"))`:                                                        `"1"`,
		`xhr(x => { x.setRequestHeader("a", "b"); try { x.setRequestHeader("b a d", "traceparent") } catch {} })`: `""`,
	} {
		site.open(t, ctx)
		got := inPage[[][]any](t, ctx, startShim("")+`const frame = document.createElement("iframe"); document.body.append(frame); const other = frame.contentWindow, u = location.origin + "/missing/x";
const xhr = set => new Promise(done => { const x = new XMLHttpRequest; x.onloadend = done; x.open("GET", u); set(x); x.send() });
await `+request+`; await h.flush(); return (await h.sent()).filter(m => m.t === "observe").flatMap(m => m.list.map(r => r.slice(10)))`)
		want(t, got, "[["+trace+"]]")
	}
	// Details that wait are dropped with the rest.
	site.open(t, ctx)
	got := inPage[[][]any](t, ctx, startShim("")+`await fetch("/missing/", {headers: {traceparent: "1"}}); h.setConsent("counts"); await fetch("/missing/", {headers: {traceparent: "2"}});
await h.flush(); return (await h.sent()).filter(m => m.t === "observe").flatMap(m => m.list.map(r => r.slice(8)))`)
	want(t, got, `[["",""],["",""]]`)
}
