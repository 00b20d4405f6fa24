//go:build js && wasm

package fetchtransport

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"syscall/js"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// These tests run in a browser's worker. tests/browser starts them, and servers that misbehave.

// collector returns a collector that behaves as a path of the test's server says.
func collector(way string) policy.Collector {
	return policy.Collector{ID: "c1", URL: os.Getenv("SERVER") + way}
}

var segment = bytes.Repeat([]byte{7}, 1000)

func deliver(t *testing.T, c policy.Collector) agent.Response {
	t.Helper()
	limit := time.Minute
	if strings.HasSuffix(c.URL, "/stalled") || strings.HasSuffix(c.URL, "/half") {
		limit = 2 * time.Second // is reached
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return new(Transport).Deliver(ctx, c, report.BatchID{1}, []byte{0xff}, segment)
}

func TestAnswersAndFailures(t *testing.T) {
	for _, test := range []struct {
		way     string
		outcome report.Outcome
		status  uint16
		body    string
		retry   time.Duration
	}{
		{"/stored", report.OK, 202, "receipt", 0},
		{"/portal", report.OK, 200, "<html>Please sign in</html>", 0},
		{"/gone", report.HTTPError, 410, "", 0},
		{"/busy", report.HTTPError, 503, "busy", 7 * time.Second},
		{"/empty", report.OK, 204, "", 0},
		{"/largest", report.OK, 200, string(bytes.Repeat([]byte("x"), receipt.MaxSize)), 0},
		{"/larger", report.HTTPResponseInvalid, 200, "", 0},
		{"/endless", report.HTTPResponseInvalid, 200, "", 0},
		{"/broken", report.NetworkFailed, 200, "", 0},
		{"/nocors", report.NetworkFailed, 0, "", 0},
		{"/redirect", report.NetworkFailed, 0, "", 0},
		{"/reset", report.NetworkFailed, 0, "", 0},
		{"/stalled", report.NetworkTimedOut, 0, "", 0},
		{"/half", report.NetworkTimedOut, 200, "", 0},
	} {
		r := deliver(t, collector(test.way))
		// the browser may notice the end before it delivers the beginning
		if test.way == "/broken" {
			r.Status = test.status
		}
		if r.Outcome != test.outcome || r.Status != test.status || string(r.Body) != test.body || r.RetryAfter != test.retry {
			t.Errorf("%s: %s, status %d, %d bytes, Retry-After %v, %v; want %s, %d, %d bytes, %v", test.way,
				r.Outcome, r.Status, len(r.Body), r.RetryAfter, r.Err, test.outcome, test.status, len(test.body), test.retry)
		}
		if answered := r.Outcome == report.OK || r.Outcome == report.HTTPError; answered != (r.Err == nil) {
			t.Errorf("%s: %s with error %v", test.way, r.Outcome, r.Err)
		}
	}
}

func TestRefusedAndUnknown(t *testing.T) {
	for _, url := range []string{os.Getenv("REFUSED"), "https://no.such.name.test", "https://["} {
		if r := deliver(t, policy.Collector{URL: url}); r.Outcome != report.NetworkFailed || r.Err == nil {
			t.Errorf("%q: %s, %v", url, r.Outcome, r.Err)
		}
	}
}

func TestAbandoned(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	r := new(Transport).Deliver(ctx, collector("/stalled"), report.BatchID{1}, nil, segment)
	if r.Outcome != report.Abandoned || !errors.Is(r.Err, context.Canceled) {
		t.Errorf("%s, %v", r.Outcome, r.Err)
	}
}

func TestOffline(t *testing.T) {
	navigator := js.Global().Get("navigator")
	define := func(v any) {
		js.Global().Get("Object").Call("defineProperty", navigator, "onLine", map[string]any{"value": v, "configurable": true})
	}
	define(false)
	defer define(true)
	if r := deliver(t, policy.Collector{URL: os.Getenv("REFUSED")}); r.Outcome != report.NetworkOffline {
		t.Errorf("%s, %v", r.Outcome, r.Err)
	}
}

// TestPolicy asks a real collector, which must expose the headers to pages.
func TestPolicy(t *testing.T) {
	c := policy.Collector{URL: os.Getenv("COLLECTOR")}
	r := new(Transport).FetchPolicy(t.Context(), c, "")
	if r.Outcome != report.OK || r.Status != 200 || r.ETag == "" || r.Err != nil {
		t.Fatalf("%s, status %d, ETag %q, %v", r.Outcome, r.Status, r.ETag, r.Err)
	}
	if _, err := policy.Signer(r.Body); err != nil {
		t.Errorf("%d bytes that are no policy: %v", len(r.Body), err)
	}
	again := new(Transport).FetchPolicy(t.Context(), c, r.ETag)
	if again.Outcome != report.OK || again.Status != 304 || len(again.Body) != 0 {
		t.Errorf("once more: %s, status %d, %d bytes, %v", again.Outcome, again.Status, len(again.Body), again.Err)
	}
	refused := new(Transport).Deliver(t.Context(), c, report.BatchID{1}, nil, segment)
	if refused.Outcome != report.OK && refused.Outcome != report.HTTPError || len(refused.Body) == 0 {
		t.Errorf("a batch that is none: %s, status %d, %d bytes, %v", refused.Outcome, refused.Status, len(refused.Body), refused.Err)
	}
}

func TestGetOfTheOwnSite(t *testing.T) {
	status, body, err := Get(t.Context(), "/worker.js", 1<<16)
	if status != 200 || len(body) == 0 || err != nil {
		t.Errorf("status %d, %d bytes, %v", status, len(body), err)
	}
	if _, _, err := Get(t.Context(), "/worker.js", 10); !errors.Is(err, errAnswerSize) {
		t.Errorf("too large: %v", err)
	}
}

func TestKeepalive(t *testing.T) {
	hidden := &Transport{Hidden: func() bool { return true }}
	for _, size := range []int{1000, MaxKeepalive, MaxKeepalive + 1, 200 << 10} {
		if r := hidden.Deliver(t.Context(), collector("/stored"), report.BatchID{1}, nil, make([]byte, size)); r.Status != 202 {
			t.Errorf("%d bytes: %s, status %d, %v", size, r.Outcome, r.Status, r.Err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, "-1": 0, "99999999999": 0, "soon": 0,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second, "Fri, 02 Jan 2026 03:00:00 GMT": 0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}
