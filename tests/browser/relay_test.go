package browser

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/relay"
)

// startRelay starts an Oblivious HTTP relay before the rig's collector. It returns the URL for the
// policy and how many messages it got.
func startRelay(t *testing.T, r *rig) (url string, messages *atomic.Int64) {
	t.Helper()
	rl, err := relay.New(relay.Options{Settings: relay.Settings{Gateway: "http://" + r.node.CollectorAddr, Collector: "c1"}, Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	messages = new(atomic.Int64)
	next := rl.Handler()
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				messages.Add(1)
			}
			next.ServeHTTP(w, r)
		}),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{r.cert}},
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.ServeTLS(ln, "", "") }() // ends with Close
	t.Cleanup(func() { _ = server.Close() })
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "https://relay.shop.test:" + port + protocol.PathOblivious, messages
}

// TestRelay: a page whose policy names a relay delivers through it, and never asks the collector
// itself, which would learn its address.
func TestRelay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	url, messages := startRelay(t, f.rig)
	f.rig.site.setPolicy(f.app, signRelayPolicy(t, f.rig.dir, f.app, f.gate.URL(), url))
	tab := f.open("strict", "counts")
	tab.fail(f, 3)
	tab.do("await h.flush()")
	f.awaitStored(counts{"network.failed": 3})
	await(t, "nothing waits", func() bool { return tab.waiting() == 0 })
	if messages.Load() == 0 {
		t.Error("the relay got nothing")
	}
	if got := f.gate.Requests(); len(got) != 0 {
		t.Errorf("the collector was asked itself: %v", got)
	}
}

// TestRelayAtPagehide: what leaves with the closing page goes to the relay, too.
func TestRelayAtPagehide(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	url, messages := startRelay(t, f.rig)
	f.rig.site.setPolicy(f.app, signRelayPolicy(t, f.rig.dir, f.app, f.gate.URL(), url))
	f.rig.site.setPrelude(f.app+".shop.test", `{ const real = fetch; self.fetch = (what, how) => String(what).includes("relay.shop.test") ? Promise.reject(new TypeError("cut")) : real(what, how); }`)
	tab := f.open("strict", "counts")
	tab.fail(f, 2)
	tab.do("await h.flush()")
	await(t, "a segment waits", func() bool { return tab.waiting() > 0 })
	if messages.Load() != 0 {
		t.Fatal("the worker that is cut off has reached the relay")
	}
	tab.leave(f)
	f.awaitStored(counts{"network.failed": 2})
	if messages.Load() == 0 {
		t.Error("the relay got nothing")
	}
	if got := f.gate.Requests(); len(got) != 0 {
		t.Errorf("the collector was asked itself: %v", got)
	}
}

// signRelayPolicy signs a policy whose one collector is reached through a relay.
func signRelayPolicy(t *testing.T, dir, name, collector, relay string) []byte {
	t.Helper()
	text := fmt.Sprintf(`version: 2
success_fraction: 1
seal_key: keys/seal.pem
signers: [keys/policy.pub.pem]
collectors:
  - {id: c1, url: %q, priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem, relay: %q, oblivious_keys: [keys/oblivious.pub.pem]}
`, collector, relay)
	file := filepath.Join(dir, "relay-policy-"+name+".yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	signed, err := roles.SignPolicyFile(file, filepath.Join(dir, "keys/policy.pem"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return signed
}
