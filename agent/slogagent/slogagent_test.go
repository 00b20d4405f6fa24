package slogagent_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/slogagent"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// rig is an agent whose collector never answers, and the key that opens what it has put into
// its spool.
type rig struct {
	t    *testing.T
	dir  string
	open *seal.OpenKey
	*agent.Agent
}

type deaf struct{}

func (deaf) Deliver(context.Context, policy.Collector, report.BatchID, []byte, []byte) agent.Response {
	return agent.Response{Outcome: report.TCPRefused, Err: io.ErrClosedPipe}
}

func (deaf) FetchPolicy(context.Context, policy.Collector, string) agent.Response {
	return agent.Response{Outcome: report.TCPRefused, Err: io.ErrClosedPipe}
}

func (deaf) Close() {}

func newRig(t *testing.T, level report.Consent) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir()}
	var err error
	if r.open, err = seal.GenerateOpenKey(); err != nil {
		t.Fatal(err)
	}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public := key.Public().(ed25519.PublicKey)
	policy, err := policy.Sign(&policy.Policy{
		Version: 1, Issued: time.Now().Unix(), Expires: time.Now().Add(time.Hour).Unix(), MaxConsent: report.Diagnostics,
		WindowMS: 60_000, RefreshSeconds: 3600, BytesPerDay: 1 << 20, SealKey: r.open.SealKey().Bytes(), Signers: [][]byte{public},
		Collectors: []policy.Collector{{ID: "c1", URL: "https://c1.example", Priority: 1, Weight: 1, ReceiptKey: public}},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	spool, err := diskspool.Open(r.dir, diskspool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.Agent, err = agent.New(agent.Options{App: "shop", Policy: policy, Consent: level, Spool: spool, Transport: deaf{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Shutdown(t.Context()) })
	return r
}

// errors shuts h and the agent down and returns what was sealed.
func (r *rig) errors(h *slogagent.Handler) (all []*report.ApplicationError, drops uint64) {
	r.t.Helper()
	if err := h.Shutdown(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	_ = r.Shutdown(r.t.Context())
	spool, err := diskspool.Open(r.dir, diskspool.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	defer spool.Close()
	segments, err := spool.List()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range segments {
		b, err := spool.Read(s.ID)
		if err != nil {
			r.t.Fatal(err)
		}
		_, records, err := seal.NewKeyring(r.open).Open(b)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, raw := range records {
			rec, err := report.DecodeRecord(raw)
			if err != nil {
				r.t.Fatal(err)
			}
			switch rec := rec.(type) {
			case *report.ApplicationError:
				all = append(all, rec)
			case *report.Header:
				for _, d := range rec.Drops {
					drops += d.Count
				}
			}
		}
	}
	return all, drops
}

// The wrapped handler gets what it would get alone.
func TestSlogtest(t *testing.T) {
	a := newRig(t, report.Diagnostics)
	var buf bytes.Buffer
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		buf.Reset()
		h := slogagent.New(a.Agent, slog.NewJSONHandler(&buf, nil), slogagent.Options{Level: slog.LevelDebug, Keys: []string{"a", "G.b"}})
		t.Cleanup(func() { _ = h.Shutdown(context.Background()) })
		return h
	}, func(t *testing.T) map[string]any {
		var m map[string]any
		if err := json.Unmarshal(buf.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		return m
	})
}

func TestRecordsFromTheLevelUpAreReportedWithAllowedValuesOnly(t *testing.T) {
	r := newRig(t, report.Diagnostics)
	var out bytes.Buffer
	h := slogagent.New(r.Agent, slog.NewTextHandler(&out, nil), slogagent.Options{Keys: []string{"op", "request.method", "mail"}})
	log := slog.New(h).With("op", "pay", "password", "hunter2")
	log.Info("not reported")
	log.WithGroup("request").Error("payment failed", "method", "POST", "url", "https://shop.example/bob", "trace_id", "00")
	log.Error("mail", "mail", "bob@shop.example", "trace_id", "4bf92f3577b34da6a3ce929d0e0e4736", slog.Group("", slog.Int("op", 2)))
	log.ErrorContext(agent.WithTraceID(t.Context(), [16]byte{9}), "by context")
	all, _ := r.errors(h)
	if len(all) != 3 {
		t.Fatalf("%d records, want the three errors: %+v", len(all), all)
	}
	if strings.Count(out.String(), "\n") != 4 {
		t.Errorf("the wrapped handler wrote %q", out.String())
	}
	for i, want := range []struct {
		message string
		trace   [16]byte
	}{
		{"payment failed op=pay request.method=POST", [16]byte{}},
		{"mail op=pay mail=[email] op=2", [16]byte{0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36}},
		{"by context op=pay", [16]byte{9}},
	} {
		e := all[i]
		if e.Message != want.message || e.TraceID != want.trace || e.Kind != report.KindLog || e.Type != "ERROR" {
			t.Errorf("got %+v, want %+v", e, want)
		}
		if len(e.Frames) != 1 || !strings.HasSuffix(e.Frames[0].Function, "AllowedValuesOnly") || e.Frames[0].File != "slogagent_test.go" {
			t.Errorf("frames %+v, want the line that logs", e.Frames)
		}
	}
	if all[0].Fingerprint == all[1].Fingerprint {
		t.Error("two log statements make one group")
	}
}

// rudeHandler fails, and is disabled below its level.
type rudeHandler struct{ slog.Handler }

var errRude = errors.New("disk full")

func (rudeHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (rudeHandler) Handle(context.Context, slog.Record) error    { return errRude }
func (r rudeHandler) WithAttrs([]slog.Attr) slog.Handler         { return r }
func (r rudeHandler) WithGroup(string) slog.Handler              { return r }

func TestTheWrappedHandlersErrorAndLevelStay(t *testing.T) {
	r := newRig(t, report.Diagnostics)
	h := slogagent.New(r.Agent, rudeHandler{}, slogagent.Options{Level: slog.LevelWarn})
	if err := h.Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelError, "e", 0)); err != errRude {
		t.Errorf("error %v, want the handler's", err)
	}
	if err := h.Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelWarn, "w", 0)); err != nil {
		t.Errorf("error %v of a handler that is disabled for warnings", err)
	}
	if all, _ := r.errors(h); len(all) != 2 {
		t.Errorf("%d records, want error and warning: %+v", len(all), all)
	}
	if err := h.Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelError, "after", 0)); err != errRude {
		t.Errorf("after shutdown: %v", err)
	}
}

func TestWithoutConsentNothingIsEnabled(t *testing.T) {
	r := newRig(t, report.Off)
	h := slogagent.New(r.Agent, rudeHandler{}, slogagent.Options{Level: slog.LevelDebug})
	if h.Enabled(t.Context(), slog.LevelInfo) || !h.Enabled(t.Context(), slog.LevelError) {
		t.Error("without consent the level is not the wrapped handler's")
	}
	alone := slogagent.New(nil, rudeHandler{}, slogagent.Options{})
	slog.New(alone).Error("e")
	if all, _ := r.errors(h); len(all) != 0 {
		t.Errorf("reported %+v", all)
	}
	if err := alone.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFullQueueDropsAndCounts(t *testing.T) {
	r := newRig(t, report.Diagnostics)
	h := slogagent.New(r.Agent, slog.DiscardHandler, slogagent.Options{Queue: 1})
	const n = 20_000
	var logging sync.WaitGroup
	for range 4 {
		logging.Go(func() {
			for range n / 4 {
				slog.New(h).Error(strings.Repeat("word ", 800)) // quick to log and slow to scrub
			}
		})
	}
	logging.Wait()
	all, drops := r.errors(h)
	var got uint64
	for _, e := range all {
		got += e.Count
	}
	if got+drops != n || drops == 0 {
		t.Errorf("%d records and %d dropped of %d on %d processors", got, drops, n, runtime.NumCPU())
	}
}
