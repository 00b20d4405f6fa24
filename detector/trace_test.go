package detector_test

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/report"
)

// traced are the steps of a bench's detector.
type traced struct {
	mu  sync.Mutex
	all []detector.Trace
}

func (t *traced) add(s detector.Trace) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, s)
}

func (t *traced) of(step string) (found []detector.Trace) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.all {
		if s.Step == step {
			found = append(found, s)
		}
	}
	return found
}

// sampleOf is a sample with a trace id.
func sampleOf(id byte) *report.Sample {
	return &report.Sample{URL: shop + "/", Outcome: report.TCPReset, Phase: report.PhaseConnection, TraceID: [16]byte{id}}
}

// A batch is traced from its collector into the store, also one that goes to quarantine, and then
// judgements are.
func TestStepsAreTraced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen traced
		b := tracedBench(t, &seen)
		defer func() { b.stop() }()
		time.Sleep(time.Second)
		b.put(64501, report.Delivery{}, detector.ShopHeader(1), okWindow(), sampleOf(1), sampleOf(2), sampleOf(1), sampleOf(0))
		b.inbox.fill(1, "garbage")
		b.traffic(10, 0)
		for _, step := range []string{detector.StepFeed, detector.StepIngest} {
			all := seen.of(step)
			if len(all) < 100 || all[0].Batch == (report.BatchID{}) || all[0].Collector != "c1" {
				t.Fatalf("%d of %s; the first is %+v", len(all), step, all[0])
			}
		}
		i := slices.IndexFunc(seen.of(detector.StepIngest), func(s detector.Trace) bool { return s.Result == "new" })
		if s := seen.of(detector.StepIngest)[i]; s.Records != 6 || !slices.Equal(s.Told, [][16]byte{{1}, {2}}) || s.End.Before(s.Start) {
			t.Errorf("%+v", s)
		}
		if !slices.ContainsFunc(seen.of(detector.StepIngest), func(s detector.Trace) bool { return s.Result == detector.ReasonSegment }) {
			t.Error("what is in quarantine is not traced")
		}
		judged := seen.of(detector.StepJudge)
		if len(judged) == 0 || !judged[len(judged)-1].Bin.After(judged[0].Bin) {
			t.Errorf("%d judgements", len(judged))
		}
	})
}

// What comes late of a user who has withdrawn consent, and what comes twice, leads to no trace of a
// request.
func TestTracesLeaveOutWhoHasWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen traced
		b := tracedBench(t, &seen)
		defer func() { b.stop() }()
		header := detector.ShopHeader(7)
		notice := *header
		notice.Client = [16]byte{}
		b.put(64501, report.Delivery{}, &notice, &report.DeletionNotice{Clients: [][16]byte{header.Client}})
		time.Sleep(time.Second)
		b.put(64501, report.Delivery{}, header, okWindow(), sampleOf(1))
		b.put(64501, report.Delivery{}, detector.ShopHeader(8), okWindow(), sampleOf(2))
		time.Sleep(time.Second)
		all, _ := b.inbox.state()
		b.inbox.put(all[2])
		time.Sleep(time.Second)
		ingested := seen.of(detector.StepIngest)
		if len(ingested) != 4 || len(ingested[1].Told) != 0 || !slices.Equal(ingested[2].Told, [][16]byte{{2}}) || ingested[3].Result != "duplicate" || len(ingested[3].Told) != 0 {
			t.Errorf("%+v", ingested)
		}
	})
}

func tracedBench(t *testing.T, seen *traced) *bench {
	b := &bench{T: t, path: filepath.Join(t.TempDir(), "store.db"), inbox: newInbox(), trace: seen.add}
	b.start()
	return b
}
