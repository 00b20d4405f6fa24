package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The exit code is what a pipeline reads: 0 healthy, 1 worse, 3 too little data, 2 a
// wrong question.
func TestGateExitCodes(t *testing.T) {
	state := ""
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.URL.Path != "/api/v1/gate" || q.Get("app") != "shop" || q.Get("version") != "1.5.0" || q.Get("against") != "1.4.2" || q.Get("error") != "0.01" {
			t.Errorf("asked %s", r.URL)
		}
		if state == "login" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"log in first, at /login"}`)
			return
		}
		if state == "" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"since must be shorter","parameter":"since"}`)
			return
		}
		_, _ = io.WriteString(w, `{"state":"`+state+`","title":"what is known","for":[],"tests":[{"name":"failures","state":"`+state+`","requests":9100,"against_requests":70200,"troubles":310,"against_troubles":905,"difference":0.021,"low":0.004,"high":0.039}]}`)
	}))
	defer api.Close()
	ask := func(more ...string) (int, string, string) {
		// the release began long ago, so that nothing has to be waited for
		return invoke(t, append([]string{"gate", "--api", api.URL, "--app", "shop", "--version", "1.5.0", "--against", "1.4.2", "--bake", "30m", "--since", "2h"}, more...)...)
	}
	for s, want := range map[string]int{"worse": 1, "healthy": 0, "too_little": 3, "": 2} {
		state = s
		code, stdout, stderr := ask()
		if code != want || s != "" && !strings.Contains(stdout, s+": what is known\n  failures: 310 in 9100 requests, 905 in 70200 before: +2.10 % (+0.40 to +3.90)") {
			t.Errorf("%q: exit %d, want %d: %s%s", s, code, want, stdout, stderr)
		}
	}
	// nobody will log in while the gate waits
	state = "login"
	if code, _, stderr := ask(); code != 2 || !strings.Contains(stderr, "docs/access.md") {
		t.Errorf("a dashboard with a login: exit %d, %s", code, stderr)
	}
	state = "worse"
	if code, stdout, _ := ask("--json"); code != 1 || !strings.Contains(stdout, `"difference": 0.021`) {
		t.Errorf("--json: exit %d, %s", code, stdout)
	}
	for _, wrong := range [][]string{{"--error", "0"}, {"--error", "NaN"}, {"--detect", "1"}, {"--every", "0s"}, {"--bake", "24h"}, {"--since", "2d"}, {"--against", "1.5.0"},
		{"--app", ""}, {"--api", "ftp://127.0.0.1"}} {
		if code, _, stderr := ask(wrong...); code != 2 || !strings.Contains(stderr, wrong[0]) {
			t.Errorf("%q: exit %d, %s", wrong, code, stderr)
		}
	}
	if code, _, stderr := invoke(t, "--log-file", "/nowhere/log", "gate", "--api", api.URL, "--app", "shop", "--version", "1.5.0", "--against", "1.4.2"); code != 2 {
		t.Errorf("a log file that cannot be made: exit %d, %s", code, stderr)
	}
	api.Close()
	if code, _, stderr := ask(); code != 3 || !strings.Contains(stderr, "nothing is known of the release") {
		t.Errorf("without a detector: exit %d, %s", code, stderr)
	}
}
