package page

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/model"
)

// store has two totals and one application error of the page, and one total of another application.
type store struct{ model.Reader }

func (store) Totals(context.Context, model.TotalsQuery) ([]model.Total, error) {
	return []model.Total{
		{Key: model.Series{App: App, Outcome: "ok"}, OK: 20},
		{Key: model.Series{App: App, Outcome: "http.error"}, Failed: 2},
		{Key: model.Series{App: "shop", Outcome: "ok"}, OK: 1000},
	}, nil
}

func (store) Samples(context.Context, model.SampleQuery) ([]model.Sample, error) {
	return []model.Sample{{App: App, Outcome: "app.error", Error: model.ApplicationError{Count: 3}}, {App: "shop", Outcome: "app.error", Error: model.ApplicationError{Count: 50}}}, nil
}

// startPage starts a page before one collector, which answers with what it was asked for.
func startPage(t *testing.T) (p *Page, base string) {
	t.Helper()
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Method+" "+r.URL.Path) }))
	t.Cleanup(collector.Close)
	p, err := New(Options{
		Listen: "127.0.0.1:0", Collectors: []Collector{{ID: "c1", URL: collector.URL}}, Reports: store{}, Dashboard: "http://127.0.0.1:1/",
		SignPolicy: func(urls []string) ([]byte, error) { return []byte(strings.Join(urls, " ")), nil }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(p.Run)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return p, "http://" + p.Addr()
}

func do(t *testing.T, method, url string, change func(*http.Request)) (status int, header http.Header, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func TestEveryAnswerHasTheStrictPolicy(t *testing.T) {
	_, base := startPage(t)
	for _, path := range []string{"/", "/app.js", "/style.css", "/heliograph/heliograph.js", "/heliograph/heliograph.worker.js", "/state", "/nothing"} {
		_, header, _ := do(t, "GET", base+path, nil)
		csp := header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "worker-src 'self'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy %q lacks %s", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe-inline") || strings.Contains(csp, "*") {
			t.Errorf("%s: policy %q is not strict", path, csp)
		}
	}
}

func TestPageHasItsStyles(t *testing.T) {
	_, base := startPage(t)
	_, _, index := do(t, "GET", base+"/", nil)
	for _, path := range []string{"/theme.css", "/style.css"} {
		status, header, body := do(t, "GET", base+path, nil)
		if status != http.StatusOK || header.Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(body, ":root {") {
			t.Errorf("%s: %d %s, %d bytes", path, status, header.Get("Content-Type"), len(body))
		}
		if !strings.Contains(index, `<link rel="stylesheet" href="`+path+`">`) {
			t.Errorf("the page does not link to %s", path)
		}
	}
}

func TestForeignPagesAreRefused(t *testing.T) {
	_, base := startPage(t)
	if status, _, _ := do(t, "GET", base+"/state", func(r *http.Request) { r.Host = "evil.example:8420" }); status != http.StatusMisdirectedRequest {
		t.Errorf("by a foreign name: %d", status)
	}
	if status, _, _ := do(t, "POST", base+"/collectors/c1/down", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); status != http.StatusForbidden {
		t.Errorf("a form of a foreign page: %d", status)
	}
	if status, _, _ := do(t, "GET", base+"/state", func(r *http.Request) { r.Host = "localhost:8420" }); status != http.StatusOK {
		t.Errorf("as localhost: %d", status)
	}
}

func TestDoorIsClosedAndOpenedAgain(t *testing.T) {
	_, base := startPage(t)
	_, _, door := do(t, "GET", base+"/policy", nil) // SignPolicy above
	if _, _, body := do(t, "POST", door+"/v1/batches", nil); body != "POST /v1/batches" {
		t.Errorf("through the door: %q", body)
	}
	// a connection of before would be found cut, not refused
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, state := range []string{"down", "down", "up", "up", "down", "up"} {
		status, _, body := do(t, "POST", base+"/collectors/c1/"+state, nil)
		var s stage
		if err := json.Unmarshal([]byte(body), &s); err != nil || status != http.StatusOK || s.Collectors[0].Up != (state == "up") {
			t.Fatalf("%s: %d %s (%v)", state, status, body, err)
		}
		resp, err := fresh.Post(door+"/v1/batches", "", nil)
		if err == nil {
			resp.Body.Close()
		}
		if refused := errors.Is(err, syscall.ECONNREFUSED); refused != (state == "down") {
			t.Fatalf("%s: asking gives %v", state, err)
		}
	}
	if status, _, _ := do(t, "POST", base+"/collectors/c9/down", nil); status != http.StatusNotFound {
		t.Errorf("a collector that is not there: %d", status)
	}
}

func TestArrivedTellsOfThisPageOnly(t *testing.T) {
	_, base := startPage(t)
	_, _, body := do(t, "GET", base+"/arrived", nil)
	if want := `[{"type":"app.error","count":3},{"type":"http.error","count":2},{"type":"ok","count":20}]`; strings.TrimSpace(body) != want {
		t.Errorf("%s, want %s", body, want)
	}
}

func TestServiceFailsAsAsked(t *testing.T) {
	p, _ := startPage(t)
	for path, want := range map[string]int{"/ok": 200, "/status/404": 404, "/status/500": 500, "/status/200": 400, "/status/x": 400} {
		if status, header, _ := do(t, "GET", p.service+path, nil); status != want || header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %v, want %d for every origin", path, status, header, want)
		}
	}
	if _, err := http.Get(p.service + "/reset"); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("reset: %v", err)
	}
	if _, err := http.Get(p.closed); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the port that refuses: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", p.service+"/slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := http.DefaultClient.Do(req); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:8420", "example.net:80", "8420"} {
		_, err := New(Options{Listen: listen})
		if err == nil || !strings.Contains(err.Error(), "Listen") || !strings.Contains(err.Error(), "required") {
			t.Errorf("%s: %v", listen, err)
		}
	}
}
