package nats

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/natsinbox"
	"github.com/heliograph-net/heliograph/collector/sqliteledger"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// crowd is agents that upload as often as they may to a collector whose inbox is a stream of 1 MiB.
type crowd struct {
	*testing.T
	inbox    collector.Inbox
	reader   string // name of the detector
	agents   []*agent.Agent
	requests atomic.Int64 // uploads that arrived
	flushes  atomic.Int64 // segments that agents had to upload
	stop     chan struct{}
	running  sync.WaitGroup

	mu        sync.Mutex
	receipted map[report.BatchID]bool // guarded by mu
	later     int                     // guarded by mu; signed slow-downs before the body was read
}

// room is the size of the stream, agentsInCrowd how many fill it.
const (
	room          = 1 << 20
	agentsInCrowd = 30
)

func newCrowd(t *testing.T) *crowd {
	c := &crowd{T: t, stop: make(chan struct{}), receipted: map[report.BatchID]bool{}}
	n := alone(t, "always")
	queue, err := natsinbox.Open(t.Context(), natsinbox.Options{Servers: []string{n.url()}, Stream: "slow", Replicas: 1, Monitor: n.monitorURL(), MaxBytes: room})
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := sqliteledger.Open(filepath.Join(t.TempDir(), "ledger.db"), sqliteledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.inbox = collector.Join(queue, ledger)
	t.Cleanup(func() { _ = c.inbox.Close() })
	key, err := seal.GenerateOpenKey()
	if err != nil {
		t.Fatal(err)
	}
	signer := func(n byte) ed25519.PrivateKey {
		return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
	}
	public := func(n byte) ed25519.PublicKey { return signer(n).Public().(ed25519.PublicKey) }
	c.reader = collector.ReaderName(public(3))
	var handler atomic.Pointer[http.Handler]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.serve(*handler.Load(), public(1), w, r) }))
	t.Cleanup(server.Close)
	signed, err := policy.Sign(&policy.Policy{Version: 1, Issued: time.Now().Add(-time.Hour).Unix(), Expires: time.Now().Add(time.Hour).Unix(), MaxConsent: report.Counts,
		SealKey: key.SealKey().Bytes(), Signers: [][]byte{public(2)}, Collectors: []policy.Collector{{ID: "c1", URL: server.URL, ReceiptKey: public(1)}}}, signer(2))
	if err != nil {
		t.Fatal(err)
	}
	col, err := collector.New(collector.Options{ID: "c1", Inbox: c.inbox, SlowDown: 200 * time.Millisecond,
		Settings: collector.Settings{ReceiptKey: signer(1), Policy: signed, Keys: []seal.KeyID{key.SealKey().ID()}, FeedKeys: []ed25519.PublicKey{public(3)}}})
	if err != nil {
		t.Fatal(err)
	}
	h := col.Handler()
	handler.Store(&h)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- col.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	c.start(signed)
	return c
}

// start starts the agents, whose requests fail all the time.
func (c *crowd) start(signed []byte) {
	for n := range agentsInCrowd {
		a, err := agent.New(agent.Options{App: "shop", Policy: signed, Consent: report.Counts, Uncapped: true, Spool: agenttest.NewSpool(),
			Transport: httpagent.NewTransport(httpagent.TransportOptions{})})
		if err != nil {
			c.Fatal(err)
		}
		c.agents = append(c.agents, a)
		c.running.Go(func() {
			for i := 0; ; i++ {
				a.Observe(agent.Observation{Scheme: "https", Host: fmt.Sprintf("%d.shop.example", (n+i)%40), Outcome: report.TCPRefused, Start: time.Now()})
				_ = a.Flush(c.Context()) // what remains is counted at the end
				c.flushes.Add(1)
				select {
				case <-c.stop:
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	}
	c.Cleanup(func() {
		for _, a := range c.agents {
			_ = a.Shutdown(context.Background())
		}
	})
}

// serve notes what the collector answers.
func (c *crowd) serve(h http.Handler, key ed25519.PublicKey, w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/batches" {
		h.ServeHTTP(w, r)
		return
	}
	c.requests.Add(1)
	noted := &noting{ResponseWriter: w}
	h.ServeHTTP(noted, r)
	s, err := receipt.Verify(key, noted.body)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
	case s.Decision == receipt.Stored:
		c.receipted[s.Batch] = true
	case s.Decision == receipt.SlowDown && s.Body == [32]byte{}:
		c.later++
	}
}

// noting keeps what is written.
type noting struct {
	http.ResponseWriter
	body []byte
}

func (n *noting) Write(b []byte) (int, error) {
	n.body = append(n.body, b...)
	return n.ResponseWriter.Write(b)
}

func (n *noting) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// perFlush returns how many uploads arrive for each segment that agents have to upload, over a
// while of their work.
func (c *crowd) perFlush() float64 {
	const while = 600
	flushes, requests := c.flushes.Load(), c.requests.Load()
	c.await("agents go on", func() bool { return c.flushes.Load() >= flushes+while })
	return float64(c.requests.Load()-requests) / float64(c.flushes.Load()-flushes)
}

func (c *crowd) await(what string, done func() bool) {
	c.Helper()
	eventually(c.T, what, func(context.Context) (int, error) {
		if !done() {
			return 0, fmt.Errorf("not yet")
		}
		return 0, nil
	})
}

// read takes what is stored, as a detector does, and returns the batches it got.
func (c *crowd) read(after uint64, seen map[report.BatchID]int) uint64 {
	c.Helper()
	part, err := c.inbox.Read(c.Context(), after, 200)
	if err != nil {
		c.Fatal(err)
	}
	for _, e := range part {
		seen[e.Batch]++
		after = e.Seq
	}
	if err := c.inbox.Ack(c.Context(), c.reader, after); err != nil {
		c.Fatal(err)
	}
	return after
}

// TestStalledDetectorSlowsAgents: nobody reads, so the stream fills, and agents are asked to come
// later, by signed answers: they upload far less often. Once a detector reads again, they come
// back, and everything that has a receipt is read.
func TestStalledDetectorSlowsAgents(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	calm := c.perFlush()
	slow := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.later
	}
	c.await("agents are asked to come later", func() bool { return slow() > 3*agentsInCrowd })
	under := c.perFlush()
	if under > calm/3 {
		t.Errorf("%.2f uploads arrive for each segment; %.2f before the stream was full", under, calm)
	}
	stats, err := c.inbox.Stats(t.Context())
	if err != nil || stats.Bytes < room/2 || stats.Bytes > room {
		t.Errorf("the stream has %d of %d bytes: %v", stats.Bytes, room, err)
	}
	close(c.stop)
	c.running.Wait()
	seen := map[report.BatchID]int{}
	after := uint64(0)
	c.await("agents have delivered everything", func() bool {
		after = c.read(after, seen)
		for _, a := range c.agents {
			if a.Stats().Pending > 0 {
				return false
			}
		}
		return true
	})
	c.read(after, seen)
	for id := range c.receipted {
		if seen[id] == 0 {
			t.Errorf("%v was receipted, and is lost", id)
		}
	}
	for id, times := range seen {
		if times > 1 {
			t.Errorf("%v was read %d times", id, times)
		}
	}
	t.Logf("%d batches, %d slow-downs, %.2f and %.2f uploads for each segment", len(c.receipted), c.later, calm, under)
}
