package live

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/simulate"
)

// pipes is a network in memory on which one server listens.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8417} }

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p <- loopback{theirs}:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// loopback is a connection from this machine.
type loopback struct{ net.Conn }

func (loopback) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// serve serves until the test's bubble ends.
func (p pipes) serve(t *testing.T, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(p) }()
	t.Cleanup(func() { close(p); _ = server.Close(); <-done })
}

// keys are those of an operator.
type keys struct {
	open    *seal.OpenKey
	receipt ed25519.PrivateKey
	policy  policy.Policy
	signed  []byte
}

func newKeys(t *testing.T) *keys {
	t.Helper()
	open, err := seal.GenerateOpenKey()
	if err != nil {
		t.Fatal(err)
	}
	k := &keys{open: open, receipt: ed25519.NewKeyFromSeed(make([]byte, 32))}
	public := k.receipt.Public().(ed25519.PublicKey)
	k.policy = policy.Policy{Version: 1, Issued: time.Now().Add(-time.Hour).Unix(), Expires: time.Now().Add(24 * time.Hour).Unix(), MaxConsent: report.Counts,
		SealKey: open.SealKey().Bytes(), Signers: [][]byte{public}, Collectors: []policy.Collector{{ID: "c1", URL: "http://127.0.0.1:8417", ReceiptKey: public}}}
	if k.signed, err = policy.Sign(&k.policy, k.receipt); err != nil {
		t.Fatal(err)
	}
	return k
}

// scripted is a collector that gives the answers of a script to each client, and the last one again
// and again.
type scripted struct {
	*keys
	t      *testing.T
	script []receipt.Statement // without batch and body; no decision: an answer without a receipt

	mu    sync.Mutex
	tries map[report.BatchID]int
	paths map[report.BatchID][]report.Attempt
	from  map[netip.Addr]bool
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == protocol.PathPolicy {
		_, _ = w.Write(s.signed)
		return
	}
	body, _ := io.ReadAll(r.Body)
	id, err := report.ParseBatchID(r.Header.Get(protocol.HeaderBatch))
	delivery, err2 := protocol.DecodeDelivery(r.Header.Get(protocol.HeaderDelivery))
	from, err3 := netip.ParseAddr(r.Header.Get("X-Forwarded-For"))
	if err := errors.Join(err, err2, err3); err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	st := s.script[min(s.tries[id], len(s.script)-1)]
	s.tries[id]++
	s.paths[id], s.from[from] = delivery.Path, true
	s.mu.Unlock()
	if st.Decision == 0 {
		http.Error(w, "<html>please log in", http.StatusForbidden)
		return
	}
	st.Batch, st.Body = id, sha256.Sum256(body)
	receipts, err := receipt.Sign(s.receipt, []receipt.Statement{st})
	if err != nil {
		s.t.Error(err)
		return
	}
	_, _ = w.Write(receipts[0])
}

// parse reads a scenario.
func parse(t *testing.T, text string) *simulate.Scenario {
	t.Helper()
	s, err := simulate.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const tiny = "duration: 1m\nworld: {requests_per_second: 5, networks: 10, largest_network: 0.3, clients: 300, sampling: 1}\n"

// run delivers a scenario to a collector with a script.
func run(t *testing.T, text string, change func(*Options), script ...receipt.Statement) (Result, *scripted, error) {
	t.Helper()
	c := &scripted{keys: newKeys(t), t: t, script: script, tries: map[report.BatchID]int{}, paths: map[report.BatchID][]report.Attempt{}, from: map[netip.Addr]bool{}}
	network := make(pipes)
	network.serve(t, c)
	o := Options{Scenario: parse(t, text), Seed: 1, Policy: &c.policy, Collectors: c.policy.Collectors, Speed: 1, Dial: network.dial}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Run(t.Context())
	r := s.Result()
	settled := r.Delivered + r.refused() + r.GaveUp
	if r.Reports != settled || r.Reports == 0 && err == nil || len(s.waiting) != 0 {
		t.Errorf("%d reports, and %d have a fate: %s", r.Reports, settled, r.String())
	}
	return r, c, err
}

var (
	stored  = receipt.Statement{Decision: receipt.Stored}
	later   = receipt.Statement{Decision: receipt.SlowDown, Reason: receipt.ReasonOverload, DelayMS: 30_000}
	noReply = receipt.Statement{}
)

func TestReportsComeAtTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c, err := run(t, tiny, nil, stored)
		if err != nil || r.Delivered != r.Reports || r.Seconds < 60 || r.Seconds > 61 || r.Simulated != 60 || r.Requests < 100 || len(c.from) < 20 {
			t.Errorf("%v, %s, from %d addresses", err, r.String(), len(c.from))
		}
	})
}

func TestSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for speed, want := range map[float64]float64{10: 6, 0: 0} {
			r, _, err := run(t, tiny, func(o *Options) { o.Speed = speed }, stored)
			if err != nil || r.Lost() != 0 || r.Seconds < want || r.Seconds > want+1 {
				t.Errorf("with a speed of %v: %v, %s", speed, err, r.String())
			}
		}
	})
}

// A client that is asked to come later does, and its path names the attempts that failed.
func TestSlowedDownReportsComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c, err := run(t, tiny, nil, later, noReply, stored)
		if err != nil || r.Delivered != r.Reports || r.SlowDowns != r.Reports || r.Unanswered != r.Reports || !strings.Contains(r.Failure, "not a receipt") {
			t.Errorf("%v, %s", err, r.String())
		}
		for id, path := range c.paths {
			if n := len(path); n < 2 || path[n-1] != (report.Attempt{Collector: "c1", Outcome: report.HTTPError}) {
				t.Errorf("%v: %+v", id, path)
			}
		}
	})
}

// When no more reports may wait, the simulated time stands still, and nothing is lost.
func TestWaitingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, err := run(t, tiny, func(o *Options) { o.Waiting, o.Connections = 2, 3 }, later, stored)
		if err != nil || r.Delivered != r.Reports || r.Seconds < 120 {
			t.Errorf("%v, %s", err, r.String())
		}
	})
}

func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, err := run(t, tiny, func(o *Options) { o.Patience = time.Minute }, later)
		if err != nil || r.GaveUp != r.Reports || r.Lost() != r.Reports || r.SlowDowns < 2*r.Reports {
			t.Errorf("%v, %s", err, r.String())
		}
	})
}

func TestRefusedReportsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, err := run(t, tiny, nil, receipt.Statement{Decision: receipt.Refused, Reason: receipt.ReasonMalformed})
		if err != nil || r.Refused["malformed"] != r.Reports || !strings.Contains(r.String(), "refused (malformed ") {
			t.Errorf("%v, %s", err, r.String())
		}
	})
}

func TestInterruptedRunsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newKeys(t)
		network := make(pipes)
		network.serve(t, &scripted{keys: c, t: t, script: []receipt.Statement{later}, tries: map[report.BatchID]int{}, paths: map[report.BatchID][]report.Attempt{}, from: map[netip.Addr]bool{}})
		s, err := New(Options{Scenario: parse(t, tiny), Policy: &c.policy, Collectors: c.policy.Collectors, Speed: 1, Dial: network.dial})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		err = s.Run(ctx)
		if r := s.Result(); !errors.Is(err, context.DeadlineExceeded) || r.Reports == 0 || r.GaveUp != r.Reports || r.Seconds > 41 || !strings.Contains(s.Progress(), "given up") {
			t.Errorf("%v, %s", err, r.String())
		}
	})
}

func TestAnotherOperatorsCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, err := run(t, tiny, func(o *Options) {
			other := *o.Policy
			other.Signers = [][]byte{make([]byte, ed25519.PublicKeySize)}
			o.Policy = &other
		}, stored)
		if err == nil || !strings.Contains(err.Error(), "another operator") || r.Reports != 0 {
			t.Errorf("%v, %s", err, r.String())
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	k := newKeys(t)
	good := Options{Scenario: parse(t, tiny), Policy: &k.policy, Collectors: k.policy.Collectors}
	for want, change := range map[string]func(*Options){
		"no collector":       func(o *Options) { o.Collectors = nil },
		"a speed of 0.5":     func(o *Options) { o.Speed = 0.5 },
		"-1 connections":     func(o *Options) { o.Connections = -1 },
		"the last 30 days":   func(o *Options) { o.Scenario = parse(t, "duration: 744h") },
		"not be negative":    func(o *Options) { o.Waiting = -1 },
		"disabled":           func(o *Options) { p := *o.Policy; p.Disabled = true; o.Policy = &p },
		"the policy: seal k": func(o *Options) { p := *o.Policy; p.SealKey = nil; o.Policy = &p },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}

// A collector whose answer breaks off is not said to have answered well.
func TestPolicyThatBreaksOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "x")
	}))
	t.Cleanup(server.Close)
	c := &target{policy.Collector{ID: "c1", URL: server.URL}, server.Client()}
	if err := c.greet(t.Context(), &policy.Policy{}); !errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "200") {
		t.Errorf("%v", err)
	}
}
