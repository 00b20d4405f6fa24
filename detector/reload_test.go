package detector_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// settings are those that a bench begins with.
func (b *bench) settings() detector.Settings {
	return detector.Settings{Feeds: map[string]detector.Feed{"c1": b.inbox}, Keys: seal.NewKeyring(detector.TestKey)}
}

func (b *bench) reload(s detector.Settings) {
	b.Helper()
	if err := b.det.Reload(s); err != nil {
		b.Fatal(err)
	}
}

// putOne uploads a window of one request that succeeds.
func (b *bench) putOne() {
	b.put(64501, report.Delivery{}, detector.ShopHeader(b.number+1), okWindow())
}

func TestReloadedFeedsGoOnWhereTheyWereLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.putOne()
		time.Sleep(5 * time.Second)
		first := b.inbox
		b.inbox = newInbox()
		s := b.settings()
		s.Feeds = map[string]detector.Feed{"c1": first, "c2": b.inbox}
		b.reload(s)
		// a page on its way meanwhile would come again, and ids would drop it
		time.Sleep(time.Second)
		b.putOne() // through the new one
		second := b.inbox
		b.inbox = first
		b.putOne()
		time.Sleep(5 * time.Second)
		b.metric("batches_total", 3, "new")
		b.metric("batches_total", 0, "duplicate")
		s.Feeds = map[string]detector.Feed{"c2": second}
		b.reload(s)
		time.Sleep(time.Second)
		b.putOne() // nobody reads it any more
		time.Sleep(5 * time.Second)
		b.metric("batches_total", 3, "new")
		if _, acked := first.state(); acked != 2 {
			t.Errorf("acknowledged up to %d", acked)
		}
	})
}

func TestReloadedKeysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		other, err := seal.GenerateOpenKey()
		if err != nil {
			t.Fatal(err)
		}
		s := b.settings()
		s.Keys = seal.NewKeyring(other)
		b.reload(s)
		time.Sleep(time.Second)
		b.putOne()
		time.Sleep(5 * time.Second)
		b.metric("batches_total", 0, "new")
		b.metric("batches_total", 1, detector.ReasonUnknownKey)
		if waits, err := b.det.QuarantineOutlook(b.Context()); err != nil || !strings.Contains(waits, "1 batches wait for a key") {
			t.Errorf("%q, %v", waits, err)
		}
		b.reload(b.settings())
		time.Sleep(time.Second)
		b.metric("batches_total", 1, "released")
		if got := b.total(model.TotalsQuery{}); got.OK != 1 {
			t.Errorf("totals %+v, want the request that waited", got)
		}
		if waits, err := b.det.QuarantineOutlook(b.Context()); err != nil || waits != "" {
			t.Errorf("%q, %v; want nothing to wait", waits, err)
		}
		b.putOne()
		time.Sleep(5 * time.Second)
		b.metric("batches_total", 1, "new")
	})
}

// An operator starts the detector with an old key, and much later with the right one.
func TestBatchesWaitForTheirKeyOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		other, err := seal.GenerateOpenKey()
		if err != nil {
			t.Fatal(err)
		}
		b.stop()
		b.keys = seal.NewKeyring(other)
		b.start()
		for range 3 {
			b.putOne()
			b.inbox.fill(200, "no segment at all") // pushes out only its like
		}
		time.Sleep(time.Minute)
		b.stop()
		time.Sleep(10 * 24 * time.Hour)
		b.start() // the wrong key once more
		time.Sleep(time.Minute)
		b.metric("quarantine_batches", 3, detector.ReasonUnknownKey)
		b.stop()
		b.keys = nil
		b.start()
		time.Sleep(time.Minute)
		b.metric("batches_total", 3, "released")
		if got := b.total(model.TotalsQuery{}); got.OK != 3 {
			t.Errorf("totals %+v, want those three", got)
		}
		if released, kept, err := b.det.RetryQuarantine(b.Context()); err != nil || released != 0 || kept != 100 {
			t.Errorf("again: %d released, %d kept, %v", released, kept, err)
		}
	})
}

// What strangers send must not fill the log.
func TestWarningsAboutGarbageAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.inbox.fill(2000, "no segment at all")
		b.put(64501, report.Delivery{}, okWindow()) // no header: another reason
		time.Sleep(10 * time.Second)
		b.metric("batches_total", 2000, detector.ReasonSegment)
		b.inbox.fill(20, "no segment at all")
		time.Sleep(20 * time.Second)
		text := b.logged.String()
		if n := strings.Count(text, "reason="+detector.ReasonSegment); n < 10 || n > 20 {
			t.Errorf("%d lines about %s", n, detector.ReasonSegment)
		}
		if n := strings.Count(text, "reason="+detector.ReasonHeader); n != 1 {
			t.Errorf("%d lines about %s, want the other reason to be told", n, detector.ReasonHeader)
		}
		if !strings.Contains(text, "more_like_it=") {
			t.Error("nothing says how many more there were")
		}
	})
}

func TestReloadedThresholdsJudgeTheNextBin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		s := b.settings()
		s.Thresholds.Clients = 1000
		b.reload(s)
		b.traffic(10, 0)
		b.traffic(10, 64502)
		if all := b.incidents(); len(all) != 1 || all[0].Page || all[0].Verdict != model.TooThin {
			t.Fatalf("with thresholds that nothing reaches: %+v", all)
		}
		if got := b.det.Thresholds(); got.Clients != 1000 || got.Excess != 5 {
			t.Errorf("in force: %+v", got)
		}
		b.reload(b.settings())
		b.traffic(4, 64502)
		if all := b.incidents(); len(all) != 1 || !all[0].Page || all[0].Verdict != model.NetworkPath {
			t.Fatalf("with the defaults again: %+v", all)
		}
		b.traffic(10, 0)
		if all := b.incidents(); len(all) != 1 || all[0].Open() {
			t.Errorf("%+v", all)
		}
	})
}

func TestFaultyReloadKeepsWhatThereWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		for word, change := range map[string]func(*detector.Settings){
			"Feeds":   func(s *detector.Settings) { s.Feeds = nil },
			"Keys":    func(s *detector.Settings) { s.Keys = nil },
			"Ratio":   func(s *detector.Settings) { s.Thresholds.Ratio = 0.5 },
			"Clients": func(s *detector.Settings) { s.Thresholds.Clients = -5 },
		} {
			s := b.settings()
			change(&s)
			if err := b.det.Reload(s); err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v", word, err)
			}
		}
		b.putOne()
		time.Sleep(5 * time.Second)
		b.metric("batches_total", 1, "new")
	})
}
