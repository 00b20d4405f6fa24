package nel_test

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/nel"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

var collectors = []policy.Collector{
	{ID: "c2", URL: "https://c2.example-b.org:8443", Priority: 2, Weight: 1},
	{ID: "local", URL: "http://127.0.0.1:8417", Priority: 0, Weight: 1},
	{ID: "c1", URL: "https://c1.example-a.net", Priority: 1, Weight: 3},
}

func options(change func(*nel.Options)) nel.Options {
	o := nel.Options{Group: "nel", MaxAge: 720 * time.Hour, SuccessFraction: 0.05, FailureFraction: 1}
	if change != nil {
		change(&o)
	}
	return o
}

func headers(t *testing.T, o nel.Options) map[string]string {
	t.Helper()
	all, err := nel.Headers(collectors, o)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, h := range all {
		m[h.Name] = h.Value
	}
	return m
}

func TestHeaders(t *testing.T) {
	const reportTo = `{"group":"nel","max_age":2592000,"endpoints":[{"url":"https://c1.example-a.net/v1/reports","priority":1,"weight":3},` +
		`{"url":"https://c2.example-b.org:8443/v1/reports","priority":2,"weight":1}]}`
	for name, tt := range map[string]struct {
		change func(*nel.Options)
		want   map[string]string
	}{
		"defaults": {nil, map[string]string{"Report-To": reportTo,
			"NEL": `{"report_to":"nel","max_age":2592000,"success_fraction":0.05,"failure_fraction":1}`}},
		"all": {func(o *nel.Options) {
			o.Group, o.MaxAge, o.IncludeSubdomains, o.Reports, o.SuccessFraction, o.FailureFraction = "shop_1", time.Hour, true, true, 0, 0.25
		}, map[string]string{
			"Report-To": strings.NewReplacer(`"nel","max_age":2592000`, `"shop_1","max_age":3600,"include_subdomains":true`).Replace(reportTo),
			"NEL":       `{"report_to":"shop_1","max_age":3600,"include_subdomains":true,"success_fraction":0,"failure_fraction":0.25}`, "Reporting-Endpoints": `default="https://c1.example-a.net/v1/reports"`}},
		"remove": {func(o *nel.Options) { o.Remove, o.Reports = true, true }, map[string]string{
			"Report-To": strings.Replace(reportTo, "2592000", "0", 1), "NEL": `{"report_to":"nel","max_age":0}`}},
	} {
		got := headers(t, options(tt.change))
		for header, value := range got {
			if value != tt.want[header] {
				t.Errorf("%s: %s\n got %s\nwant %s", name, header, value, tt.want[header])
			}
			if header != "Reporting-Endpoints" && !json.Valid([]byte(value)) {
				t.Errorf("%s: %s is no JSON", name, header)
			}
		}
		if len(got) != len(tt.want) {
			t.Errorf("%s: headers %v", name, got)
		}
	}
}

func TestErrorsNameTheFlag(t *testing.T) {
	for want, o := range map[string]nel.Options{
		"--group":            options(func(o *nel.Options) { o.Group = "a b" }),
		"--max-age":          options(func(o *nel.Options) { o.MaxAge = 1500 * time.Millisecond }),
		"--remove":           options(func(o *nel.Options) { o.MaxAge = 0 }),
		"--success-fraction": options(func(o *nel.Options) { o.SuccessFraction = -0.1 }),
		"--failure-fraction": options(func(o *nel.Options) { o.FailureFraction = 1.1 }),
	} {
		if _, err := nel.Headers(collectors, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := nel.Headers(collectors[1:2], options(nil)); err == nil || !strings.Contains(err.Error(), "https") {
		t.Errorf("no collector that browsers take: %v", err)
	}
	if _, err := nel.Headers([]policy.Collector{{ID: "c9", URL: "https://größe.example"}}, options(nil)); err == nil || !strings.Contains(err.Error(), "c9") {
		t.Errorf("a host that no header carries: %v", err)
	}
	if _, err := nel.Format("apache", nil, ""); err == nil || !strings.Contains(err.Error(), "--format") {
		t.Errorf("unknown format: %v", err)
	}
}

func TestAdvice(t *testing.T) {
	two := []policy.Collector{collectors[0], collectors[2]}
	for name, tt := range map[string]struct {
		collectors []policy.Collector
		change     func(*nel.Options)
		want       []string // a word of each
	}{
		"nothing":          {two, nil, nil},
		"http, one left":   {collectors[1:], nil, []string{"collector local is left out", "one collector"}},
		"equal fractions":  {two, func(o *nel.Options) { o.SuccessFraction = 1 }, []string{"equals", "costs"}},
		"failures sampled": {two, func(o *nel.Options) { o.FailureFraction = 0.5 }, []string{"--failure-fraction"}},
		"no successes":     {two, func(o *nel.Options) { o.SuccessFraction = 0 }, []string{"proportion"}},
		"short":            {two, func(o *nel.Options) { o.MaxAge = time.Hour }, []string{"--max-age"}},
		"long":             {two, func(o *nel.Options) { o.MaxAge = 365 * 24 * time.Hour }, []string{"--max-age is 365 days"}},
		"other reports":    {two, func(o *nel.Options) { o.Reports = true }, []string{"--reports"}},
		"removal":          {two, func(o *nel.Options) { o.Remove, o.SuccessFraction = true, 1 }, nil},
	} {
		got := nel.Advice(tt.collectors, options(tt.change))
		ok := len(got) == len(tt.want)
		for i := range min(len(got), len(tt.want)) {
			ok = ok && strings.Contains(got[i], tt.want[i])
		}
		if !ok {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

var update = flag.Bool("update", false, "write the golden files anew; then try them with the real nginx and Caddy")

// The golden files were tried with nginx 1.22 and Caddy 2.6: each answered with the very values
// of the text.
func TestFormats(t *testing.T) {
	o := options(func(o *nel.Options) { o.Reports, o.IncludeSubdomains = true, true })
	all, err := nel.Headers(collectors, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range nel.Formats {
		got, err := nel.Format(format, all, nel.Directives(collectors, o))
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", format+".golden")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || got != string(want) {
			t.Errorf("%s: %v\n%s", format, err, got)
		}
	}
}

// TestGoSnippetRuns compiles what --format go prints and compares the headers that it sets.
func TestGoSnippetRuns(t *testing.T) {
	o := options(func(o *nel.Options) { o.Reports = true })
	all, err := nel.Headers(collectors, o)
	if err != nil {
		t.Fatal(err)
	}
	snippet, err := nel.Format("go", all, nel.Directives(collectors, o))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module snippet\n\ngo 1.26\n", "reporting/reporting.go": snippet, "main.go": `package main

import (
	"net/http"
	"net/http/httptest"
	"os"

	"snippet/reporting"
)

func main() {
	w := httptest.NewRecorder()
	reporting.Handler(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	_ = w.Header().Write(os.Stdout)
}
`} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "run", ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	answered := strings.Split(string(out), "\r\n")
	for _, h := range all {
		if !slices.ContainsFunc(answered, func(line string) bool { return strings.EqualFold(line, h.Name+": "+h.Value) }) {
			t.Errorf("%s: %s is not among %q", h.Name, h.Value, answered)
		}
	}
}
