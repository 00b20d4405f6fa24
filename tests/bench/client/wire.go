package client

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// What a browser sends by Network Error Logging with the fractions of our default: one report for
// each failure and for every 20th success, of 532 bytes each.
const (
	nelReport    = 532
	nelSuccess   = 0.05
	wireRequests = 1000
	wireFailures = 10
	// bytes for the same requests
	NELWire       = (wireFailures + nelSuccess*(wireRequests-wireFailures)) * nelReport
	wireSeeds     = 5 // runs to average over: which windows are sent is drawn
	policyWindows = 0
)

// Wire is what one client sent and received for 1,000 requests of which 10 failed.
type Wire struct {
	Windows  int     // that the requests were spread over
	Segments float64 // delivered
	Sealed   float64 // bytes of the segments
	Up, Down float64 // bytes of HTTP each way, heads included, but for the policy's refresh
}

// BytesOnWire measures an agent with its spool and transport and a collector with its inbox, on
// loopback, without TLS. Failures are scattered over the windows, which costs the most: every
// window with a failure is sent. Numbers are averages over several draws.
func BytesOnWire(windows int) (Wire, error) {
	w := Wire{Windows: windows}
	for seed := range uint64(wireSeeds) {
		one, err := wireRun(seed, windows)
		if err != nil {
			return w, err
		}
		nothing, err := wireRun(seed, policyWindows) // costs the refresh of the policy
		if err != nil {
			return w, err
		}
		w.Segments += one.Segments / wireSeeds
		w.Sealed += one.Sealed / wireSeeds
		w.Up += (one.Up - nothing.Up) / wireSeeds
		w.Down += (one.Down - nothing.Down) / wireSeeds
	}
	return w, nil
}

// wireRun makes the requests of one client.
func wireRun(seed uint64, windows int) (w Wire, err error) {
	dir, err := os.MkdirTemp("", "heliograph-wire-")
	if err != nil {
		return w, err
	}
	defer os.RemoveAll(dir)
	site, err := newWireSite(dir)
	if err != nil {
		return w, err
	}
	defer site.close()
	a, err := site.agent(dir, seed)
	if err != nil {
		return w, err
	}
	defer a.Shutdown(context.Background())
	rng := rand.New(rand.NewPCG(seed, 1))
	failing := make(map[int]bool)
	for len(failing) < wireFailures {
		failing[rng.IntN(wireRequests)] = true
	}
	if windows == 0 {
		err = a.Flush(context.Background())
	}
	for i, n := 0, 0; i < windows && err == nil; i++ {
		for ; n < (i+1)*wireRequests/windows; n++ {
			a.Observe(wireObservation(failing[n]))
		}
		err = a.Flush(context.Background())
	}
	s := a.Stats()
	if err == nil && (s.Delivered < 1 && windows > 0 || len(s.Dropped) > 0) {
		err = fmt.Errorf("the agent delivered %d segments and dropped %v", s.Delivered, s.Dropped)
	}
	return Wire{
		Segments: float64(s.Delivered), Sealed: float64(s.DeliveredBytes),
		Up: float64(site.counts.up.Load()), Down: float64(site.counts.down.Load()),
	}, err
}

func wireObservation(failed bool) agent.Observation {
	if failed {
		return failure()
	}
	return agent.Observation{Scheme: "https", Host: "shop.example", Outcome: report.OK, Protocol: "h2", Server: observedServer, Status: 200}
}

// wireSite is a collector on loopback whose bytes are counted.
type wireSite struct {
	counts    *countingListener
	server    *http.Server
	collector *collector.Collector
	inbox     *sqliteinbox.Inbox
	stop      func() // ends the collector
	policy    []byte
}

func newWireSite(dir string) (*wireSite, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &wireSite{counts: &countingListener{Listener: ln}}
	open, err := seal.GenerateOpenKey()
	if err != nil {
		return nil, err
	}
	if s.policy, err = signedPolicy(open.SealKey(), "http://"+ln.Addr().String(), nil); err != nil {
		return nil, err
	}
	if s.inbox, err = sqliteinbox.Open(filepath.Join(dir, "inbox.db"), sqliteinbox.Options{}); err != nil {
		return nil, err
	}
	s.collector, err = collector.New(collector.Options{
		ID: "c1", Inbox: s.inbox, Settings: collector.Settings{ReceiptKey: key(2), Policy: s.policy},
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.collector.Run(ctx) }()
	s.stop = func() { cancel(); <-ended }
	s.server = &http.Server{Handler: s.collector.Handler()}
	go func() { _ = s.server.Serve(s.counts) }()
	return s, nil
}

func (s *wireSite) agent(dir string, seed uint64) (*agent.Agent, error) {
	spool, err := diskspool.Open(filepath.Join(dir, "spool"), diskspool.Options{})
	if err != nil {
		return nil, err
	}
	return agent.New(agent.Options{
		App: "shop", Version: "1.2", Policy: s.policy, Consent: report.Diagnostics, Spool: spool,
		Transport: httpagent.NewTransport(httpagent.TransportOptions{}), Rand: rand.NewChaCha8([32]byte{byte(seed)}),
	})
}

func (s *wireSite) close() {
	_ = s.server.Close()
	s.stop()
	_ = s.inbox.Close()
}

// countingListener counts what its connections carry.
type countingListener struct {
	net.Listener
	up, down atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &countingConn{c, l}, err
}

type countingConn struct {
	net.Conn
	l *countingListener
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.l.up.Add(int64(n))
	return n, err
}

func (c *countingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.l.down.Add(int64(n))
	return n, err
}
