package collector_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func deflated(b []byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// Whatever compresses an upload on its way costs it nothing: what counts is what was compressed.
func TestCompressedUploads(t *testing.T) {
	r := newRig(t, storeAll)
	n := uint32(0)
	for coding, compress := range map[string]func([]byte) []byte{"gzip": gzipped, "X-GZIP": gzipped, "deflate": deflated, " Deflate ": deflated,
		"identity": bytes.Clone, "": bytes.Clone} {
		n++
		segment := r.segment(n)
		req := r.upload(batchID(n), bytes.NewReader(compress(segment)))
		req.Header.Set("Content-Encoding", coding)
		a := r.do(req)
		if s := r.statement(a); a.status != 202 || s.Decision != receipt.Stored || s.Body != sha(segment) {
			t.Errorf("batch with %q: status %d, %+v", coding, a.status, s)
		}
		before := len(r.stored())
		body := []byte("[" + page("csp-violation", `{"effectiveDirective":"img-src","documentURL":"https://shop.example/"}`) + "]")
		if a := r.reports("application/reports+json", coding, compress(body)); a.status != http.StatusNoContent || len(r.stored()) != before+1 {
			t.Errorf("reports with %q: status %d %s, %d batches stored", coding, a.status, a.body, len(r.stored()))
		}
	}
}

// reports uploads a browser's reports.
func (r *rig) reports(mediaType, coding string, body []byte) answer {
	r.t.Helper()
	req := must(http.NewRequestWithContext(r.t.Context(), "POST", r.url+"/v1/reports", bytes.NewReader(body)))(r.t)
	req.Header.Set("Content-Type", mediaType)
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
	if coding != "" {
		req.Header.Set("Content-Encoding", coding)
	}
	return r.do(req)
}

// What cannot be decompressed is declined, and says what could be (RFC 7694).
func TestUnknownCodings(t *testing.T) {
	r := newRig(t, nil)
	segment := r.segment(1)
	for _, coding := range []string{"br", "zstd", "compress", "gzip, gzip", "identity, gzip", "gzip;q=1", "x"} {
		req := r.upload(batchID(1), bytes.NewReader(segment))
		req.Header.Set("Content-Encoding", coding)
		reports := r.reports("application/reports+json", coding, []byte("[]"))
		for name, a := range map[string]answer{"batch": r.do(req), "reports": reports} {
			if a.status != http.StatusUnsupportedMediaType || a.header.Get("Accept-Encoding") != "gzip, deflate" {
				t.Errorf("%s with %q: status %d, Accept-Encoding %q", name, coding, a.status, a.header.Get("Accept-Encoding"))
			}
		}
	}
	for name, body := range map[string][]byte{"garbage": segment, "cut": gzipped(segment)[:100], "empty": nil, "damaged": append(gzipped(segment)[:1000], make([]byte, 300)...)} {
		req := r.upload(batchID(1), bytes.NewReader(body))
		req.Header.Set("Content-Encoding", "gzip")
		if a := r.do(req); a.status != http.StatusBadRequest || a.header.Get("Content-Type") == "application/vnd.heliograph.receipt" {
			t.Errorf("%s: status %d, %q; want no receipt", name, a.status, a.body)
		}
	}
	if got := r.stored(); len(got) != 0 {
		t.Errorf("%d batches are stored", len(got))
	}
}

// A few bytes that become very many are cut off at the limit of what they become.
func TestDecompressionBombs(t *testing.T) {
	r := newRig(t, nil)
	bomb := gzipped(make([]byte, 100<<20)) // 100 KB
	for range 20 {
		req := r.upload(batchID(1), bytes.NewReader(bomb))
		req.Header.Set("Content-Encoding", "gzip")
		a := r.do(req)
		if s := r.statement(a); a.status != http.StatusRequestEntityTooLarge || s.Reason != receipt.ReasonTooLarge {
			t.Fatalf("status %d, %+v", a.status, s)
		}
		if a := r.reports("application/reports+json", "gzip", bomb); a.status != http.StatusRequestEntityTooLarge {
			t.Fatalf("reports: status %d", a.status)
		}
	}
	r.await("no bytes of bodies held", func() bool { return r.metric("body_bytes") == 0 })
	whole := make([]byte, seal.MaxSegment) // just as large as can be: malformed, and read
	req := r.upload(batchID(1), io.MultiReader(bytes.NewReader(gzipped(whole)), bytes.NewReader(gzipped(nil))))
	req.Header.Set("Content-Encoding", "gzip")
	if s := r.statement(r.do(req)); s.Reason != receipt.ReasonMalformed || s.Body != sha(whole) {
		t.Errorf("as large as can be: %+v", s)
	}
}

// Older browsers name the directive with its sources, and nothing else.
func TestLegacyReportsWithoutEffectiveDirective(t *testing.T) {
	r := newRig(t, storeAll)
	for violated, want := range map[string]string{"script-src 'self' https://cdn.example": "script-src", "img-src": "img-src", " style-src  'none'": "style-src"} {
		before := len(r.stored())
		body := `{"csp-report":{"document-uri":"https://shop.example/cart","blocked-uri":"https://evil.example/x","violated-directive":"` + violated + `"}}`
		if a := r.reports("application/csp-report", "", []byte(body)); a.status != http.StatusNoContent || len(r.stored()) != before+1 {
			t.Fatalf("%q: status %d, %d batches stored", violated, a.status, len(r.stored()))
		}
		all := pages(t, r.records(r.stored()[before].Segment))
		if len(all) != 1 || all[0].Type != want || !strings.HasPrefix(string(all[0].Outcome()), "browser.csp.") {
			t.Errorf("%q: %+v, want the directive %s", violated, all, want)
		}
	}
}
