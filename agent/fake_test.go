package agent_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// world is an operator with collectors, a detector's key and a signing key.
type world struct {
	t       *testing.T
	open    *seal.OpenKey
	signer  ed25519.PrivateKey
	policy  policy.Policy
	receipt map[string]ed25519.PrivateKey

	mu       sync.Mutex
	handle   map[string]handler // by collector id; absent: store it
	uploads  []upload
	fetches  []string                         // collectors asked for a policy
	etags    []string                         // that they were asked with
	serve    []byte                           // signed policy that collectors serve; nil: 503
	serveOf  map[string]func() agent.Response // by collector
	received map[report.BatchID][]byte
}

// upload is one call of Deliver.
type upload struct {
	at        time.Time
	collector string
	id        report.BatchID
	delivery  report.Delivery
	segment   []byte
}

type handler func(ctx context.Context, u upload) agent.Response

// newWorld has collectors called ids, in falling priority, and windows of 2 s.
func newWorld(t *testing.T, ids ...string) *world {
	t.Helper()
	open, err := seal.GenerateOpenKey()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, open: open, signer: newKey(1),
		receipt:  make(map[string]ed25519.PrivateKey),
		handle:   make(map[string]handler),
		received: make(map[report.BatchID][]byte),
	}
	w.policy = policy.Policy{
		Version: 1, Issued: time.Now().Unix(), Expires: time.Now().Add(365 * 24 * time.Hour).Unix(),
		MaxConsent: report.Diagnostics, WindowMS: 2000, SealKey: open.SealKey().Bytes(),
		RefreshSeconds: 7 * 24 * 3600, BytesPerDay: 1 << 30,
		Signers: [][]byte{w.signer.Public().(ed25519.PublicKey)},
	}
	for i, id := range ids {
		w.receipt[id] = newKey(byte(100 + i))
		w.policy.Collectors = append(w.policy.Collectors, policy.Collector{
			ID: id, URL: "https://" + id + ".example", Priority: uint32(i), Weight: 1,
			ReceiptKey: w.receipt[id].Public().(ed25519.PublicKey),
		})
	}
	return w
}

func newKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(slices.Repeat([]byte{seed}, ed25519.SeedSize))
}

// signed is the policy after change, signed by key.
func (w *world) signed(key ed25519.PrivateKey, change func(*policy.Policy)) []byte {
	w.t.Helper()
	p := w.policy
	if change != nil {
		change(&p)
	}
	b, err := policy.Sign(&p, key)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// options are for an agent of this world on spool.
func (w *world) options(spool agent.Spool, level report.Consent) agent.Options {
	return agent.Options{
		App: "shop", Version: "1.2", OS: "linux", Policy: w.signed(w.signer, nil),
		Consent: level, Spool: spool, Transport: w,
	}
}

// start starts an agent and shuts it down at the end of the test, if the test does not.
func start(t *testing.T, o agent.Options) *agent.Agent {
	t.Helper()
	a, err := agent.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = a.Shutdown(ctx)
		if n := a.Stats().Panics; n != 0 {
			t.Errorf("the agent panicked %d times", n)
		}
	})
	return a
}

// Deliver implements agent.Transport.
func (w *world) Deliver(ctx context.Context, c policy.Collector, id report.BatchID, delivery, segment []byte) agent.Response {
	d, err := report.DecodeDelivery(delivery)
	if err != nil {
		w.t.Errorf("delivery: %v", err)
	}
	u := upload{time.Now(), c.ID, id, d, slices.Clone(segment)}
	w.mu.Lock()
	w.uploads = append(w.uploads, u)
	h := w.handle[c.ID]
	w.mu.Unlock()
	if h == nil {
		h = w.store
	}
	return h(ctx, u)
}

// store takes an upload and says so.
func (w *world) store(_ context.Context, u upload) agent.Response {
	w.mu.Lock()
	defer w.mu.Unlock()
	if old, ok := w.received[u.id]; ok && string(old) != string(u.segment) {
		w.t.Errorf("batch %v came with two bodies", u.id)
	}
	w.received[u.id] = u.segment
	return w.says(u, receipt.Statement{Decision: receipt.Stored})
}

// says signs a statement about u, by the key of u's collector.
func (w *world) says(u upload, s receipt.Statement) agent.Response {
	if s.Batch == (report.BatchID{}) {
		s.Batch = u.id
	}
	if s.Body == [32]byte{} {
		s.Body = sha256.Sum256(u.segment)
	}
	receipts, err := receipt.Sign(w.receipt[u.collector], []receipt.Statement{s})
	if err != nil {
		w.t.Fatal(err)
	}
	return agent.Response{Outcome: report.OK, Status: 202, Body: receipts[0]}
}

var errRefused = errors.New("connection refused")

func refuse(context.Context, upload) agent.Response {
	return agent.Response{Outcome: report.TCPRefused, Err: errRefused}
}

// FetchPolicy implements agent.Transport.
func (w *world) FetchPolicy(_ context.Context, c policy.Collector, etag string) agent.Response {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fetches = append(w.fetches, c.ID)
	w.etags = append(w.etags, etag)
	if of := w.serveOf[c.ID]; of != nil {
		return of()
	}
	if w.serve == nil {
		return agent.Response{Outcome: report.HTTPError, Status: 503}
	}
	sum := sha256.Sum256(w.serve)
	if now := string(sum[:]); now != etag {
		return agent.Response{Outcome: report.OK, Status: 200, Body: w.serve, ETag: now}
	}
	return agent.Response{Outcome: report.OK, Status: 304}
}

// Close implements agent.Transport.
func (w *world) Close() {}

func (w *world) setHandler(id string, h handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handle[id] = h
}

// setPolicyOf has a collector answer questions for the policy as it likes.
func (w *world) setPolicyOf(id string, answer func() agent.Response) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.serveOf == nil {
		w.serveOf = map[string]func() agent.Response{}
	}
	w.serveOf[id] = answer
}

func (w *world) setPolicy(signed []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serve = signed
}

// seen returns the uploads so far.
func (w *world) seen() []upload {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.uploads)
}

func (w *world) fetched() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.fetches)
}

// batch is an opened segment.
type batch struct {
	id      report.BatchID
	headers []*report.Header
	windows []*report.Window
	samples []*report.Sample
	errors  []*report.ApplicationError
	notices []*report.DeletionNotice
	probes  []*report.ProbeResults

	receipts []*report.Receipts

	durations map[*report.Window]*report.Durations
}

// batches opens what was received, oldest id first.
func (w *world) batches() []batch {
	w.t.Helper()
	w.mu.Lock()
	received := maps.Clone(w.received)
	w.mu.Unlock()
	var out []batch
	for id, segment := range received {
		out = append(out, w.openSegment(id, segment))
	}
	return out
}

func (w *world) openSegment(id report.BatchID, segment []byte) batch {
	w.t.Helper()
	info, records, err := seal.NewKeyring(w.open).Open(segment)
	if err != nil || info.ID != id {
		w.t.Fatalf("segment %v: %v, id %v", id, err, info.ID)
	}
	b := batch{id: id, durations: make(map[*report.Window]*report.Durations)}
	var before *report.Window // the record before, if it is one
	for i, raw := range records {
		r, err := report.DecodeRecord(raw)
		if err != nil {
			w.t.Fatalf("record %d: %v", i, err)
		}
		switch r := r.(type) {
		case *report.Header:
			b.headers = append(b.headers, r)
		case *report.Window:
			b.windows = append(b.windows, r)
		case *report.Sample:
			b.samples = append(b.samples, r)
		case *report.ApplicationError:
			b.errors = append(b.errors, r)
		case *report.DeletionNotice:
			b.notices = append(b.notices, r)
		case *report.ProbeResults:
			b.probes = append(b.probes, r)
		case *report.Receipts:
			b.receipts = append(b.receipts, r)
		case *report.Durations:
			if before == nil {
				w.t.Fatal("durations do not follow a window")
			}
			b.durations[before] = r
		}
		before, _ = r.(*report.Window)
		if i == 0 && len(b.headers) == 0 {
			w.t.Fatal("segment does not start with a header")
		}
	}
	return b
}

// totals adds up what was received by outcome, weighted.
func (w *world) totals() map[report.Outcome]float64 {
	w.t.Helper()
	sum := make(map[report.Outcome]float64)
	for _, b := range w.batches() {
		for _, win := range b.windows {
			for _, c := range win.Counters {
				sum[c.Outcome] += float64(c.Count) * report.FullPPM / float64(win.SampledPPM)
			}
		}
	}
	return sum
}

// drops adds up the losses that headers told of.
func (w *world) drops() map[string]uint64 {
	sum := make(map[string]uint64)
	for _, b := range w.batches() {
		for _, h := range b.headers {
			for _, d := range h.Drops {
				sum[d.Reason] += d.Count
			}
		}
	}
	return sum
}

// seeded is a source of randomness that is the same in every run.
func seeded(seed byte) *mathrand.ChaCha8 {
	return mathrand.NewChaCha8([32]byte{seed})
}

// failure is a request to host that was refused.
func failure(host string) agent.Observation {
	return agent.Observation{Scheme: "https", Host: host, Outcome: report.TCPRefused}
}

func success(host string) agent.Observation {
	return agent.Observation{Scheme: "https", Host: host, Outcome: report.OK, Protocol: "h2", Status: 200}
}
