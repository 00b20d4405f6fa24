package httpprobe_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
)

// The cases of blackbox_exporter's tests of CEL, and some of its own.
func TestRulesForJSON(t *testing.T) {
	const bad = report.HTTPAnswerUnexpected
	object := `{"foo": {"bar": "baz"}}`
	for _, c := range []struct {
		name, body   string
		matches, not string
		want         report.Outcome
	}{
		{"matches", object, "body.foo.bar == 'baz'", "", bad},
		{"does not match", object, "body.foo.bar == 'qux'", "", report.OK},
		{"empty object", `{}`, "body.foo.bar == 'qux'", "", bad},
		{"result is not boolean", object, "body.foo.bar", "", bad},
		{"not JSON", "hello world", "body.foo.bar == 'baz'", "", bad},
		{"a string", `"foo"`, "body == 'foo'", "", bad},
		{"a list", `["foo", "bar", "baz"]`, "body[2] == 'baz'", "", bad},
		{"true", `true`, "body", "", bad},
		{"number instead of an object", `123`, "body.foo.bar == 'baz'", "", bad},
		{"empty body", "", "body.foo.bar == 'baz'", "", bad},
		{"beyond ASCII", `{"foo": {"bar": "😿😿😿"}}`, "", "body.foo.bar == '😿😿😿'", report.OK},
		{"must match", object, "", "body.foo.bar == 'baz'", report.OK},
		{"must match, and does not", object, "", "body.foo.bar == 'qux'", bad},
		{"both", object, "body.foo.bar == 'qux'", "size(body.foo) == 1", report.OK},
		{"cut at the limit", `["` + strings.Repeat("x", httpprobe.MaxBody) + `"]`, "", "size(body) == 1", bad},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, c.body) }))
			defer server.Close()
			spec := &httpprobe.Options{URL: server.URL, FailIfJSONMatches: c.matches, FailIfJSONNotMatches: c.not}
			if r, err := probetest.Once(t, spec, probe.Env{}, probetest.Limit); err != nil || r.Outcome != c.want {
				t.Errorf("%+v, %v; want %s", r, err, c.want)
			}
		})
	}
}

// Assertions see headers, body and durations, and the attempt ends in the first that is not true.
func TestAssertions(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Queue", "7")
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, `{"depth": 7}`)
	}))
	defer server.Close()
	for _, c := range []struct {
		path   string
		assert []string
		want   report.Outcome
		ended  string
	}{
		{"/", []string{`status == 200 && protocol == "http/1.1"`, `int(headers["x-queue"][0]) < 10`, `json.depth == 7`}, report.OK, "assert[2]"},
		{"/", []string{`json.depth == 7`, `json.depth < 7`, `seconds < 60.0`}, report.AssertionFailed, "assert[1]"},
		{"/", []string{`json.nothing == 7`}, report.AssertionFailed, "assert[0]"},
		{"/broken", []string{`false`}, report.HTTPError, httpprobe.StepBody},
	} {
		spec := &httpprobe.Options{URL: server.URL + c.path, Addresses: conn.Addresses{Assert: c.assert}}
		r, err := probetest.Once(t, spec, probe.Env{}, probetest.Limit)
		if err != nil || r.Outcome != c.want || r.Ended() != c.ended || r.Details != nil || r.Facts.Body != nil {
			t.Errorf("%q: %+v, %v; want %s in %s", c.assert, r, err, c.want, c.ended)
		}
	}
	spec := &httpprobe.Options{URL: server.URL, Addresses: conn.Addresses{Assert: []string{"true", "status"}}, FailIfJSONMatches: "body"}
	if key, err := spec.Check(); err == nil || key != "assert[1]" {
		t.Errorf("%s, %v", key, err)
	}
	spec.FailIfJSONMatches = "bodies"
	if key, err := spec.Check(); err == nil || key != "fail_if_body_json_matches_cel" {
		t.Errorf("%s, %v", key, err)
	}
	if _, err := spec.Probe(probe.Env{}); err == nil {
		t.Error("a faulty expression was taken")
	}
	spec = &httpprobe.Options{URL: server.URL, Addresses: conn.Addresses{Assert: slices.Repeat([]string{"true"}, conn.MaxAssertions+1)}}
	if key, err := spec.Check(); err == nil || key != "assert" {
		t.Errorf("%s, %v", key, err)
	}
}
