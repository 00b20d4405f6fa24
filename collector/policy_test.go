package collector_test

import (
	"bytes"
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

func TestPolicyIsServedWithETag(t *testing.T) {
	r := newRig(t, nil)
	get := func(method, etag string) answer {
		req := must(http.NewRequestWithContext(t.Context(), method, r.url+"/v1/policy", nil))(t)
		if etag != "" {
			req.Header.Set("If-None-Match", etag)
		}
		return r.do(req)
	}
	first := get("GET", "")
	etag := first.header.Get("ETag")
	p := must(policy.Open(first.body, must(policy.Signer(first.body))(t)))(t)
	if first.status != 200 || p.Version != 1 || etag == "" || first.header.Get("Content-Type") != protocol.MediaTypePolicy {
		t.Errorf("status %d, %v, version %d", first.status, first.header, p.Version)
	}
	for _, method := range []string{"GET", "HEAD"} {
		if a := get(method, etag); a.status != http.StatusNotModified || len(a.body) != 0 {
			t.Errorf("%s with the ETag: status %d, %d bytes; want 304", method, a.status, len(a.body))
		}
	}
	r.policy.Version = 2
	if err := r.Reload(r.settings()); err != nil {
		t.Fatal(err)
	}
	if a := get("GET", etag); a.status != 200 || a.header.Get("ETag") == etag {
		t.Errorf("after a reload: status %d, ETag %s", a.status, a.header.Get("ETag"))
	}
	if err := r.Reload(collector.Settings{ReceiptKey: r.receiptKey, Policy: []byte("no policy"), FeedKeys: []ed25519.PublicKey{{1}}}); err == nil {
		t.Error("Reload took a broken policy")
	}
	if a := get("GET", ""); a.status != 200 {
		t.Errorf("after a failed reload: status %d", a.status)
	}
	if err := r.Reload(collector.Settings{ReceiptKey: r.receiptKey}); err != nil {
		t.Fatal(err)
	}
	if a := get("GET", ""); a.status != http.StatusNotFound {
		t.Errorf("without a policy: status %d, want 404", a.status)
	}
}

func TestPreflightsAndMethods(t *testing.T) {
	r := newRig(t, nil)
	for path, c := range map[string]struct{ allow, headers string }{
		"/v1/batches": {"POST, OPTIONS", "content-type, heliograph-batch, heliograph-delivery"},
		"/v1/reports": {"POST, OPTIONS", "content-type"},
		"/v1/policy":  {"GET, HEAD, OPTIONS", "if-none-match"},
		"/v1/feed":    {"GET", ""},
	} {
		req := must(http.NewRequestWithContext(t.Context(), "OPTIONS", r.url+path, nil))(t)
		req.Header.Set("Origin", "https://shop.example")
		req.Header.Set("Access-Control-Request-Method", "POST")
		req.Header.Set("Access-Control-Request-Headers", "content-type")
		a := r.do(req)
		wantStatus, wantOrigin := http.StatusNoContent, "*"
		if c.headers == "" {
			wantStatus, wantOrigin = http.StatusMethodNotAllowed, ""
		}
		if a.status != wantStatus || a.header.Get("Access-Control-Allow-Origin") != wantOrigin || a.header.Get("Access-Control-Allow-Headers") != c.headers {
			t.Errorf("OPTIONS %s: status %d, %v", path, a.status, a.header)
		}
		a = r.do(must(http.NewRequestWithContext(t.Context(), "DELETE", r.url+path, nil))(t))
		if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != c.allow {
			t.Errorf("DELETE %s: status %d, Allow %q; want 405, %q", path, a.status, a.header.Get("Allow"), c.allow)
		}
	}
	req := r.upload(batchID(1), bytes.NewReader(r.segment(1)))
	req.Header.Set("Origin", "https://shop.example")
	if a := r.do(req); a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Error("a page cannot read its receipt")
	}
}

func TestPublicListenerShowsNothingElse(t *testing.T) {
	r := newRig(t, nil)
	for _, path := range []string{"/health/live", "/health/ready", "/metrics", "/", "/v1/batches/"} {
		if a := r.do(must(http.NewRequestWithContext(t.Context(), "GET", r.url+path, nil))(t)); a.status != http.StatusNotFound {
			t.Errorf("%s on the public listener: status %d, want 404", path, a.status)
		}
	}
}

func TestMetricsAndReadiness(t *testing.T) {
	r := newRig(t, nil)
	r.send(batchID(1), r.segment(1))
	for _, want := range []string{`heliograph_collector_requests_total{code="202",collector="c1",route="batches"} 1`,
		`heliograph_collector_inbox_pending_batches{collector="c1"} 1`} {
		if text := r.exposition(); !bytes.Contains(text, []byte(want)) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	if err := r.Ready(t.Context()); err != nil {
		t.Errorf("Ready = %v", err)
	}
	if err := r.inbox.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "inbox") {
		t.Errorf("with a broken inbox: Ready = %v", err)
	}
}

// exposition is what a scrape of the metrics shows.
func (r *rig) exposition() []byte {
	r.t.Helper()
	h := promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{})
	return serve(h, httptest.NewRequest("GET", "/metrics", nil)).body
}
