package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// query --history and --errors print their rows, and say how many are not shown.
func TestQueryPrintsHistoryAndErrors(t *testing.T) {
	var asked string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v1/history":
			asked = r.URL.RawQuery
			w.Header().Set("X-Suppressed-Count", "3")
			_, _ = io.WriteString(w, `{"step_seconds":3600,"rows":[{"at":"2026-11-22T12:00:00Z","version":"1.5.0","ok":80,"failed":19,"reports":42,"clients":31}],"suppressed":3}`)
		case "/api/v1/errors":
			asked = r.URL.RawQuery
			_, _ = io.WriteString(w, `{"errors":[{"fingerprint":"5be1","app":"shop","error_type":"TypeError","type":"app.error","last":"2026-11-22T12:00:00Z","first_version":"1.5.0","last_version":"1.5.1","count":12,"clients":9}],"suppressed":0}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer api.Close()
	code, stdout, stderr := invoke(t, "query", "--api", api.URL, "--history", "h", "--by", "version", "--app", "shop", "--since", "2d")
	if code != 0 || asked != "app=shop&by=version&since=2d&step=1h" {
		t.Fatalf("exit %d, asked %s: %s", code, asked, stderr)
	}
	if want := "AT                    VERSION  OK  FAILED  REPORTS  CLIENTS\n2026-11-22T12:00:00Z  1.5.0    80  19      42       31\n"; stdout != want {
		t.Errorf("%s\nwant\n%s", stdout, want)
	}
	if !strings.Contains(stderr, "Not shown: 3 sums") {
		t.Errorf("standard error %q does not say what is not shown", stderr)
	}
	code, stdout, stderr = invoke(t, "query", "--api", api.URL, "--errors", "--app-version", "1.5.0")
	if code != 0 || asked != "limit=50&new_in=1.5.0&since=7d" || !strings.Contains(stdout, "TypeError") || !strings.Contains(stdout, "1.5.1") || strings.Contains(stderr, "Not shown") {
		t.Errorf("exit %d, asked %s: %s%s", code, asked, stdout, stderr)
	}
	if code, _, stderr := invoke(t, "query", "--api", api.URL, "--app", "shop"); code == 0 || !strings.Contains(stderr, "--history") {
		t.Errorf("--app alone: exit %d, %s", code, stderr)
	}
}
