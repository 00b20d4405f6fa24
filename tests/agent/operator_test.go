package agent_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// operator is a real collector behind a bad network, and a real detector with its store.
type operator struct {
	t      *testing.T
	policy []byte // signed
	inbox  *sqliteinbox.Inbox
	store  detector.Events
	state  detector.State
	server *httptest.Server
	began  time.Time

	healthy atomic.Bool // the network is good
	mu      sync.Mutex
	rng     *rand.Rand // owned by mu
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	dir := t.TempDir()
	o := &operator{t: t, began: time.Now(), rng: rand.New(rand.NewPCG(1, 2))}
	o.inbox = must(sqliteinbox.Open(filepath.Join(dir, "inbox.db"), sqliteinbox.Options{}))(t)
	t.Cleanup(func() { _ = o.inbox.Close() })
	store, state, err := sqlitestore.Open(t.Context(), filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	o.store, o.state = store, state
	t.Cleanup(func() { _, _ = store.Close(), state.Close() })
	openKey := must(seal.GenerateOpenKey())(t)
	receiptKey := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

	o.server = httptest.NewUnstartedServer(nil)
	o.policy = must(policy.Sign(&policy.Policy{
		Version: 1, Issued: o.began.Add(-time.Hour).Unix(), Expires: o.began.Add(time.Hour).Unix(),
		MaxConsent: report.Diagnostics, WindowMS: 100, RefreshSeconds: 1, // asked for all the time
		SealKey: openKey.SealKey().Bytes(), Signers: [][]byte{receiptKey.Public().(ed25519.PublicKey)},
		Collectors: []policy.Collector{{ID: "c1", URL: "http://" + o.server.Listener.Addr().String(), ReceiptKey: receiptKey.Public().(ed25519.PublicKey)}},
	}, receiptKey))(t)
	c := must(collector.New(collector.Options{
		ID: "c1", Inbox: o.inbox,
		Settings: collector.Settings{ReceiptKey: receiptKey, Policy: o.policy, LocalReaders: []string{reader}},
		Limits:   collector.Limits{Requests: 1e6, Bytes: 1 << 30, Uploads: 1000, NewNetworks: 1e6},
	}))(t)
	o.run(c.Run)
	o.server.Config.Handler = o.badNetwork(c.Handler())
	o.server.Start()
	t.Cleanup(o.server.Close)
	o.detect(openKey)
	return o
}

const reader = "detector"

// source is the inbox as a detector reads it.
type source struct{ *sqliteinbox.Inbox }

func (s source) Ack(ctx context.Context, upTo uint64) error { return s.Inbox.Ack(ctx, reader, upTo) }

// detect runs a detector until the end of the test.
func (o *operator) detect(key *seal.OpenKey) {
	d := must(detector.New(detector.Options{
		Feeds: map[string]detector.Feed{"c1": source{o.inbox}}, Events: o.store, State: o.state, Keys: seal.NewKeyring(key),
	}))(o.t)
	o.run(d.Run)
}

// run runs a service until the end of the test.
func (o *operator) run(service func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- service(ctx) }()
	o.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			o.t.Error(err)
		}
	})
}

// badNetwork is what may happen on the way to a collector.
func (o *operator) badNetwork(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		mood := o.rng.IntN(10)
		o.mu.Unlock()
		switch {
		case o.healthy.Load() || mood > 3:
			next.ServeHTTP(w, r)
		case mood == 0: // a proxy that cannot reach it
			w.WriteHeader(http.StatusBadGateway)
		case mood == 1: // a captive portal
			_, _ = io.WriteString(w, "<html>Welcome! Please sign in.</html>")
		default: // taken, but the answer is lost, or ends in the middle
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			if body := answer.Body.Bytes(); mood == 2 {
				w.WriteHeader(answer.Code)
				_, _ = w.Write(body[:len(body)/2])
				_ = http.NewResponseController(w).Flush()
			}
			panic(http.ErrAbortHandler)
		}
	})
}

// arrived waits until the store has everything that was uploaded, and counts the requests of a life
// in it, by number.
func (o *operator) arrived(life int) map[int]float64 {
	o.t.Helper()
	for must(o.inbox.Stats(o.t.Context()))(o.t).Pending > 0 {
		time.Sleep(5 * time.Millisecond)
	}
	totals := must(o.store.Totals(o.t.Context(), model.TotalsQuery{
		Since: o.began.Add(-time.Hour), By: model.DimensionsOf(model.ByServer), Type: outcome(life),
	}))(o.t)
	all := make(map[int]float64, len(totals))
	for _, total := range totals {
		n := must(number(total.Key.Server))(o.t)
		all[n] += total.Failed
	}
	return all
}

// spec is what an application of this operator is told.
func (o *operator) spec(dir, life string) string {
	return dir + "|" + life + "|" + base64.StdEncoding.EncodeToString(o.policy)
}

// must ends the test on an error: must(f())(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
