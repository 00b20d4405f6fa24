package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/heliograph-net/heliograph/cmd/heliograph/doctor"
)

// What browsers report about pages has a table of its own.
func TestQueryShowsReportsOfPages(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/now" {
			_, _ = io.WriteString(w, `{"state":"calm","headline":"Users are fine","why":[]}`)
			return
		}
		if r.URL.Path == "/api/v1/incidents" {
			_, _ = io.WriteString(w, `[]`)
			return
		}
		if r.URL.Query().Get("type") != "browser.csp" {
			t.Errorf("asked for %s", r.URL)
		}
		_, _ = io.WriteString(w, `[{"at":"2027-01-15T08:00:00Z","type":"browser.csp.img_src","app":"chrome","version":"156","os":"linux","source":"browser","target":"https://shop.example",`+
			`"url":"https://shop.example/cart","country":"DE","error_type":"img-src","message":"blocked https://cdn.example","stack":"<anonymous> app.js:7","count":3}]`)
	}))
	defer api.Close()
	code, stdout, stderr := invoke(t, "query", "--api", api.URL, "--type", "browser.csp")
	lines := strings.Split(stdout, "\n")
	if code != 0 || len(lines) != 3 {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	if stderr != "calm: Users are fine\n" {
		t.Errorf("standard error %q", stderr)
	}
	head, row := strings.Fields(lines[0]), lines[1]
	if !slices.Equal(head, []string{"AT", "TYPE", "ERROR_TYPE", "COUNT", "URL", "MESSAGE", "STACK", "APP", "VERSION", "OS", "COUNTRY"}) {
		t.Errorf("columns %v", head)
	}
	for _, want := range []string{"browser.csp.img_src", "img-src", " 3 ", "https://shop.example/cart", "blocked https://cdn.example", "app.js:7", "chrome", "156", "DE"} {
		if !strings.Contains(row, want) {
			t.Errorf("no %q in %s", want, row)
		}
	}
}

// The error about a wrong parameter names the flag and is not JSON.
func TestQueryNamesTheFlagAtFault(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query().Get("since"); got != "7d" {
			t.Errorf("since=%s", got)
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"by must be a comma-separated list of: type, app","parameter":"by","allowed":["type","app"]}`)
	}))
	defer api.Close()
	code, _, stderr := invoke(t, "query", "--api", api.URL, "--by", "colour", "--since", "7d")
	if want := "heliograph: --by must be a comma-separated list of: type, app\n"; code != 1 || stderr != want {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if code, _, stderr := invoke(t, "query", "--since", "1w"); code != 2 || !strings.Contains(stderr, "--since") || !strings.Contains(stderr, "7d") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// Reported texts cannot control the terminal.
func TestTablesArePrintable(t *testing.T) {
	var b strings.Builder
	rows := []map[string]any{{"target": "https://a\x1b]0;owned\x07.test\x00\u202e\u009b", "ok": 1}}
	if err := printTable(&b, rows, []string{"target", "ok"}); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.String() {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("%q has %U", b.String(), r)
		}
	}
}

// Nothing that a stranger has named commands a terminal, in whatever a command prints.
func TestTerminalsObeyNoStranger(t *testing.T) {
	const evil = "x\x1b]0;owned\x07\x00\u202e\u009b"
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/api/v1/now":
			_ = json.NewEncoder(w).Encode(map[string]any{"state": "incident", "headline": "Requests to " + evil + " fail", "why": []string{}})
		case "/api/v1/totals":
			_ = json.NewEncoder(w).Encode([]map[string]any{{"target": evil, "ok": 1}})
		case "/api/v1/reports":
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]any{"error": "no " + evil})
		}
	}))
	defer api.Close()
	policy := filepath.Join(t.TempDir(), evil[:1])
	for name, args := range map[string][]string{
		"totals": {"query", "--api", api.URL, "--by", "target"}, "an error of the API": {"query", "--api", api.URL},
		"a flag": {"query", "--by", evil}, "a file": {"policy", "show", policy + "\x1b[2J"}, "a URL": {"get", "--data", t.TempDir(), "http://127.0.0.1:1/" + evil},
	} {
		var stdout, stderr strings.Builder
		run(t.Context(), args, &stdout, &stderr)
		if stdout.Len()+stderr.Len() == 0 {
			t.Errorf("%s: nothing is printed", name)
		}
		for _, r := range stdout.String() + stderr.String() {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s: %q has %U", name, stdout.String()+stderr.String(), r)
				break
			}
		}
	}
	var b strings.Builder
	if err := printFindings(&b, []doctor.Finding{{Severity: doctor.Good, Subject: evil, Text: evil}}); err != nil || strings.ContainsAny(b.String(), "\x1b\x00\u202e") {
		t.Errorf("doctor prints %q, %v", b.String(), err)
	}
}

// TestQueryWithoutSingleReports: where users allow counts only, there are totals and no single
// reports, and the command says so.
func TestQueryWithoutSingleReports(t *testing.T) {
	dashboard := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/now" {
			_, _ = io.WriteString(w, `{"state":"unsure","headline":"16 of 16 requests failed","why":[]}`)
			return
		}
		_, _ = io.WriteString(w, `[]`)
	}))
	defer dashboard.Close()
	if code, _, stderr := invoke(t, "query", "--api", dashboard.URL); code != 0 || !strings.Contains(stderr, "heliograph query --by type,target") {
		t.Errorf("exit %d\n%s", code, stderr)
	}
	if code, _, stderr := invoke(t, "query", "--api", dashboard.URL, "--by", "asn"); code != 0 || strings.Contains(stderr, "--by type,target") {
		t.Errorf("totals: exit %d\n%s", code, stderr)
	}
}
