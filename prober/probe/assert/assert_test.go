package assert

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

func rule(t *testing.T, text string, compile func(string) (*Rule, error)) *Rule {
	t.Helper()
	r, err := compile(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return r
}

func TestAssertionsAboutResults(t *testing.T) {
	result := &probe.Result{
		Outcome: report.OK, Server: "[2001:db8::1]:443", Protocol: "h2", Status: 201, CertificateEnds: time.Now().Add(30*24*time.Hour + time.Hour),
		Steps:   []probe.Step{{Name: "connect", Duration: 20 * time.Millisecond}, {Name: "body", Duration: 80 * time.Millisecond}},
		Details: []probe.Detail{{Name: "http_redirects", Value: 2}, {Name: "tls_version_info", Value: 1, Labels: map[string]string{"version": "TLS 1.3"}}},
		Facts:   probe.Facts{Header: map[string][]string{"Content-Type": {"application/json"}}, Body: []byte(`{"queue": {"depth": 7}, "peers": [{"up": true}, {"up": true}]}`)},
	}
	for text, want := range map[string]bool{
		`status == 201`:                                      true,
		`status in [200, 204]`:                               false,
		`protocol == "h2" && family == 6`:                    true,
		`server.startsWith("[2001:db8::")`:                   true,
		`seconds < 0.2 && steps["connect"] > 0.01`:           true,
		`certificate_days > 30.0 && certificate_days < 31.0`: true,
		`details["http_redirects"] == 2.0`:                   true,
		`labels["tls_version_info"]["version"] == "TLS 1.3"`: true,
		`"application/json" in headers["content-type"]`:      true,
		`body.contains("depth")`:                             true,
		`json.queue.depth < 100`:                             true,
		`json.peers.all(p, p.up)`:                            true,
		`size(json.peers) == 3`:                              false,
		`has(json.missing)`:                                  false,
	} {
		got, err := rule(t, text, Compile).Holds(t.Context(), Of(result))
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{`json.missing == 1`, `headers["x"][0] == ""`, `json.queue`} {
		if got, err := rule(t, text, Compile).Holds(t.Context(), Of(result)); err == nil {
			t.Errorf("%s: %v, want an error", text, got)
		}
	}
	plain := Of(&probe.Result{Outcome: report.OK})
	for _, text := range []string{`json == null`, `certificate_days == 1e6`, `body == ""`, `family == 0`} {
		if got, err := rule(t, text, Compile).Holds(t.Context(), plain); err != nil || !got {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestFaultyExpressionsAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "1 to 4096",
		strings.Repeat("!", 5000):      "1 to 4096",
		"status =":                     "1:8: Syntax error",
		"status == 'ok'":               "no matching overload",
		"status + 1":                   "is of type int",
		"nothing > 1":                  "undeclared reference to 'nothing'",
		strings.Repeat("(", 300) + "1": "recursion",
	} {
		if _, err := Compile(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}

// What a server sends cannot make an evaluation go on for long, whatever an operator has written.
func TestCostIsLimited(t *testing.T) {
	numbers := "[" + strings.Repeat("1,", 50_000) + "1]"
	body, err := ParseJSON([]byte(numbers))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`body.all(a, body.all(b, a == b))`, `body.map(a, body.map(b, a + b)).size() > 0`} {
		_, err := rule(t, text, CompileJSON).Holds(t.Context(), Variables{"body": body})
		if err == nil || !strings.Contains(err.Error(), "cost limit") {
			t.Errorf("%s: %v", text, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rule(t, `body.all(a, a > 0)`, CompileJSON).Holds(ctx, Variables{"body": body}); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("%v, want the end of the attempt", err)
	}
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	if _, err := ParseJSON([]byte(deep)); err == nil {
		t.Error("a body that is nested without end is parsed")
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(`json.peers.all(p, p.up)`, `{"peers": []}`)
	f.Add(`body.matches("^a*$")`, "aaaa")
	f.Fuzz(func(t *testing.T, text, body string) {
		r, err := Compile(text)
		if err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := r.Holds(ctx, Of(&probe.Result{Facts: probe.Facts{Body: []byte(body)}})); err != nil && ctx.Err() != nil {
			t.Errorf("%q takes a minute", text)
		}
	})
}
