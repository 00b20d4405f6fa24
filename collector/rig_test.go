package collector_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/internal/nettable"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/internal/syncbuffer"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// rig is a collector on a real socket with a real inbox, and the keys of everyone around it.
type rig struct {
	*collector.Collector
	t          testing.TB
	inbox      *sqliteinbox.Inbox
	dir        string // of the inbox's files
	url        string
	server     *httptest.Server
	openKey    *seal.OpenKey
	receiptKey ed25519.PrivateKey
	receipts   ed25519.PublicKey
	feedKey    ed25519.PrivateKey
	stop       func() error // ends Run and returns what it returns
	policy     policy.Policy
	registry   *prometheus.Registry
	log        *syncbuffer.Buffer
}

const networks = "127.0.0.0\t127.0.0.255\t64501\tDE\tExample One\n127.77.66.0\t127.77.66.255\t64502\tSE\tExample Two\n203.0.113.0\t203.0.113.255\t64502\tSE\tExample Two\n"

// newRig starts a collector; change may change its options, of the inbox too.
func newRig(t testing.TB, change func(*collector.Options, *sqliteinbox.Options)) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), registry: prometheus.NewRegistry(), log: new(syncbuffer.Buffer), openKey: must(seal.GenerateOpenKey())(t)}
	r.receiptKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	r.receipts = r.receiptKey.Public().(ed25519.PublicKey)
	r.feedKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
	r.policy = policy.Policy{
		Version: 1, Issued: time.Now().Add(-time.Hour).Unix(), Expires: time.Now().Add(time.Hour).Unix(), MaxConsent: report.Diagnostics,
		SealKey: r.openKey.SealKey().Bytes(), Signers: [][]byte{r.receipts},
		Collectors: []policy.Collector{{ID: "c1", URL: "http://127.0.0.1:8417", ReceiptKey: r.receipts}},
	}
	o := collector.Options{
		ID: "c1", Metrics: r.registry, Logger: slog.New(slog.NewJSONHandler(r.log, nil)), Settings: r.settings(),
	}
	var io sqliteinbox.Options
	if change != nil {
		change(&o, &io)
	}
	r.inbox = must(sqliteinbox.Open(filepath.Join(r.dir, "inbox.db"), io))(t)
	if o.Inbox == nil {
		o.Inbox = r.inbox
	}
	r.Collector = must(collector.New(o))(t)
	r.server = httptest.NewUnstartedServer(r.Handler())
	r.server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(r.log, nil), slog.LevelError)
	r.server.Start()
	r.url = r.server.URL
	r.stop = run(t, r.Collector)
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		r.server.Close()
		if err := r.inbox.Close(); err != nil {
			t.Errorf("closing the inbox: %v", err)
		}
	})
	return r
}

// run runs a collector. stop ends it, waits, and returns what Run returned; it is idempotent.
func run(t testing.TB, c *collector.Collector) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}

// settings are the rig's, with its policy as it is now.
func (r *rig) settings() collector.Settings {
	return collector.Settings{
		ReceiptKey: r.receiptKey,
		Policy:     must(policy.Sign(&r.policy, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, 32))))(r.t),
		Keys:       []seal.KeyID{r.openKey.SealKey().ID()},
		Networks:   must(nettable.Load(strings.NewReader(networks)))(r.t),
		FeedKeys:   []ed25519.PublicKey{r.feedKey.Public().(ed25519.PublicKey)},
	}
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

// segment seals one header and window under an id that n makes.
func (r *rig) segment(n uint32) []byte { return sealed(r.t, r.openKey.SealKey(), batchID(n)) }

func batchID(n uint32) (id report.BatchID) {
	binary.BigEndian.PutUint32(id[:], 29_000_000)
	binary.BigEndian.PutUint32(id[12:], n)
	return id
}

func sealed(t testing.TB, key *seal.Key, id report.BatchID) []byte {
	t.Helper()
	s := must(seal.NewSealer(key, id))(t)
	b := bytes.Clone(s.Prefix())
	for _, rec := range []report.Record{
		&report.Header{Source: report.SourceAgent, App: "shop", Consent: report.Counts},
		&report.Window{Length: 60_000, SampledPPM: report.FullPPM, Counters: []report.Counter{
			{Target: "https://shop.example", Outcome: report.TCPRefused, Count: 3},
		}},
	} {
		b = must(s.Seal(b, must(report.AppendRecord(nil, rec))(t)))(t)
	}
	return seal.AppendEnd(b)
}

var testDelivery = report.Delivery{Age: 1500, Path: []report.Attempt{{Collector: "c0", Outcome: report.DNSFailed}}}

// upload makes the request of an agent.
func (r *rig) upload(id report.BatchID, body io.Reader) *http.Request {
	req := must(http.NewRequestWithContext(r.t.Context(), "POST", r.url+"/v1/batches", body))(r.t)
	req.Header.Set("Content-Type", protocol.MediaTypeSegment)
	req.Header.Set(protocol.HeaderBatch, id.String())
	req.Header.Set(protocol.HeaderDelivery, base64.RawURLEncoding.EncodeToString(must(report.AppendDelivery(nil, testDelivery))(r.t)))
	return req
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (r *rig) do(req *http.Request) answer {
	r.t.Helper()
	resp := must(http.DefaultClient.Do(req))(r.t)
	defer resp.Body.Close()
	return answer{resp.StatusCode, resp.Header, must(io.ReadAll(resp.Body))(r.t)}
}

// send uploads a segment and returns what the collector states.
func (r *rig) send(id report.BatchID, segment []byte) (receipt.Statement, answer) {
	r.t.Helper()
	a := r.do(r.upload(id, bytes.NewReader(segment)))
	return r.statement(a), a
}

func (r *rig) statement(a answer) receipt.Statement {
	r.t.Helper()
	if got := a.header.Get("Content-Type"); got != protocol.MediaTypeReceipt {
		r.t.Fatalf("status %d, type %q, body %q: want a receipt", a.status, got, a.body)
	}
	return must(receipt.Verify(r.receipts, a.body))(r.t)
}

// stored reads everything that is in the inbox.
func (r *rig) stored() []report.Envelope {
	r.t.Helper()
	return must(r.inbox.Read(r.t.Context(), 0, 1000))(r.t)
}

// records opens a stored segment.
func (r *rig) records(segment []byte) (all []report.Record) {
	r.t.Helper()
	_, plain, err := seal.NewKeyring(r.openKey).Open(segment)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, b := range plain {
		all = append(all, must(report.DecodeRecord(b))(r.t))
	}
	return all
}

// metric sums the samples of a counter or gauge whose labels have all of these values.
func (r *rig) metric(name string, labels ...string) (sum float64) {
	r.t.Helper()
	for _, family := range must(r.registry.Gather())(r.t) {
		if family.GetName() != "heliograph_collector_"+name {
			continue
		}
	sample:
		for _, m := range family.GetMetric() {
			values := map[string]bool{}
			for _, l := range m.GetLabel() {
				values[l.GetValue()] = true
			}
			for _, want := range labels {
				if !values[want] {
					continue sample
				}
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

func sha(b []byte) [32]byte { return sha256.Sum256(b) }

// serve calls a handler without a socket.
func serve(h http.Handler, req *http.Request) answer {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return answer{w.Code, w.Header(), w.Body.Bytes()}
}
