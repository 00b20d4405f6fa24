package detector_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/detector"
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
		b.reload(b.settings())
		time.Sleep(time.Second)
		b.putOne()
		time.Sleep(5 * time.Second)
		b.metric("batches_total", 1, "new")
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
		if all := b.incidents(); len(all) != 0 {
			t.Fatalf("with thresholds that nothing reaches: %+v", all)
		}
		if got := b.det.Thresholds(); got.Clients != 1000 || got.Excess != 10 {
			t.Errorf("in force: %+v", got)
		}
		b.reload(b.settings())
		b.traffic(10, 64501)
		if all := b.incidents(); len(all) != 1 {
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
			"Feeds":           func(s *detector.Settings) { s.Feeds = nil },
			"Keys":            func(s *detector.Settings) { s.Keys = nil },
			"Ratio":           func(s *detector.Settings) { s.Thresholds.Ratio = 0.5 },
			"Window":          func(s *detector.Settings) { s.Thresholds.Window = 5 },
			"Hot 1 to Window": func(s *detector.Settings) { s.Thresholds.Hot = 9 },
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
