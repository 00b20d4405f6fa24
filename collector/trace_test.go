package collector_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
)

// Each upload is traced with its commit, whoever seals it, and whatever becomes of it.
func TestStepsAreTraced(t *testing.T) {
	var mu sync.Mutex
	var traced []collector.Trace
	r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) {
		o.Settings.Sentry = collector.SentryProject{Project: "7", Key: sentryKey}
		o.Trace = func(s collector.Trace) {
			mu.Lock()
			defer mu.Unlock()
			traced = append(traced, s)
		}
	})
	segment := r.segment(1)
	r.send(batchID(1), segment)
	r.send(batchID(1), segment)
	r.send(batchID(2), []byte("garbage"))
	r.reported("[" + nel() + "]")
	r.envelope(wrap("event", goEvent))
	r.await("all steps", func() bool { mu.Lock(); defer mu.Unlock(); return len(traced) == 9 })
	mu.Lock()
	defer mu.Unlock()
	got := map[string]int{}
	for _, s := range traced {
		got[s.Step+" "+s.Result]++
		if s.End.Before(s.Start) || s.Start.IsZero() || s.New != (s.Result == "stored") || (s.Step == collector.StepCommit) != (s.Batches > 0) {
			t.Errorf("%+v", s)
		}
	}
	for what, n := range map[string]int{"upload stored": 3, "commit stored": 3, "upload stored: duplicate": 1, "commit stored: duplicate": 1, "upload refused: malformed": 1} {
		if got[what] != n {
			t.Errorf("%d of %q, want %d; all: %v", got[what], what, n, got)
		}
	}
	if !slices.ContainsFunc(traced, func(s collector.Trace) bool { return s.Batch == r.stored()[0].Batch }) {
		t.Error("no step names the batch that is stored")
	}
}
