package browser

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
)

// misbehaving is a collector that treats uploads as the first part of their path says. It fails the
// test if a request tells more about the user than it must.
func misbehaving(t *testing.T) http.Handler {
	t.Helper()
	over := make(chan struct{})
	t.Cleanup(sync.OnceFunc(func() { close(over) }))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		way := strings.TrimSuffix(r.URL.Path, "/v1/batches")
		h := w.Header()
		if way != "/nocors" {
			h.Set("Access-Control-Allow-Origin", "*")
			h.Set("Access-Control-Expose-Headers", "ETag, Retry-After")
			h.Set("Access-Control-Allow-Headers", "content-type, heliograph-batch, heliograph-delivery")
		}
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if r.Header.Get("Cookie") != "" || r.Header.Get("Referer") != "" || r.Header.Get(protocol.HeaderBatch) == "" {
			t.Errorf("%s: headers %v", way, r.Header)
		}
		text := func(status int, body string) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
		flush := func() { _ = http.NewResponseController(w).Flush() }
		switch way {
		case "/stored":
			text(http.StatusAccepted, "receipt")
		case "/portal":
			text(http.StatusOK, "<html>Please sign in</html>")
		case "/gone":
			text(http.StatusGone, "")
		case "/busy":
			h.Set("Retry-After", "7")
			text(http.StatusServiceUnavailable, "busy")
		case "/empty":
			text(http.StatusNoContent, "")
		case "/largest", "/larger":
			text(http.StatusOK, strings.Repeat("x", receipt.MaxSize+strings.Count(way, "larger")))
		case "/endless":
			for r.Context().Err() == nil {
				text(http.StatusOK, strings.Repeat("x", 1<<16))
			}
		case "/broken":
			h.Set("Content-Length", "100")
			text(http.StatusOK, "half")
			flush()
			panic(http.ErrAbortHandler)
		case "/redirect":
			http.Redirect(w, r, "/stored/v1/batches", http.StatusTemporaryRedirect)
		case "/reset":
			panic(http.ErrAbortHandler)
		case "/half":
			text(http.StatusOK, "half")
			flush()
			fallthrough
		case "/stalled":
			select {
			case <-over:
			case <-r.Context().Done():
			}
		default:
			text(http.StatusNotFound, "")
		}
	})
}

// TestTransport runs the transport's tests in a worker, against a collector that misbehaves and
// a real one.
func TestTransport(t *testing.T) {
	ca := authority(t)
	_, url, _ := pipeline(t, ca)
	cert, err := ca.Issue(time.Now().Add(time.Hour), "other.test")
	if err != nil {
		t.Fatal(err)
	}
	server := serveTLS(t, cert, "other.test", misbehaving(t))
	runInWorker(t, ca, "./wasm/internal/fetchtransport", map[string]string{
		"SERVER": server, "COLLECTOR": url, "REFUSED": "https://other.test:" + probetest.ClosedPort(t)[len("127.0.0.1:"):],
	}, nil)
}
