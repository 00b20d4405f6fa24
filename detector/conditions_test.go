package detector_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// moody is a feed that fails as it is told.
type moody struct {
	*inbox
	err atomic.Pointer[error]
}

func (m *moody) Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error) {
	if err := m.err.Load(); err != nil {
		return nil, *err
	}
	return m.inbox.Read(ctx, after, limit)
}

// blind checks which conditions hold; an exclamation mark is behind those that make it blind.
func (b *bench) blind(when string, want ...string) {
	b.Helper()
	synctest.Wait()
	var got []string
	blind := 0.0
	for _, c := range b.det.Conditions() {
		name := c.Name
		if c.Blind {
			name, blind = name+"!", 1
		}
		if c.Feed != "" {
			name += " " + c.Feed
		}
		if got = append(got, name); strings.HasSuffix(c.Text, ".") || len(c.Text) < 20 {
			b.Errorf("%s: the text of %s is %q", when, c.Name, c.Text)
		}
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		b.Errorf("%s: %q, want %q", when, got, want)
	}
	b.metric("blind", blind)
}

// start2 starts a detector with two feeds.
func start2(t *testing.T) (b *bench, feeds [2]*moody) {
	b = newBench(t)
	b.stop()
	second := newInbox()
	feeds = [2]*moody{{inbox: b.inbox}, {inbox: second}}
	b.feed, b.second, b.slow = feeds[0], feeds[1], true
	b.start()
	return b, feeds
}

func TestFeedsThatFailAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, feeds := start2(t)
		defer func() { b.stop() }()
		set := func(n int, err error) { feeds[n].err.Store(&err) }
		time.Sleep(2 * time.Minute)
		b.blind("in calm")
		set(0, errors.New("connection refused"))
		time.Sleep(5 * time.Minute)
		b.blind("one of two is down", "feed_down c1")
		set(1, fmt.Errorf("asking the feed: %w: status 401", detector.ErrRefused))
		time.Sleep(2 * time.Minute)
		b.blind("both fail", "feed_down! c1", "feed_refused! c2")
		b.condition(detector.ConditionFeedRefused, "feed_keys")
		feeds[0].err.Store(nil)
		time.Sleep(time.Minute)
		b.blind("one works again", "feed_refused c2")
		feeds[1].err.Store(nil)
		time.Sleep(time.Minute)
		b.blind("both work again", "nothing_arrives")
	})
}

func TestWrongKeysAreNamed(t *testing.T) {
	other, err := seal.GenerateOpenKey()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.stop()
		b.keys = seal.NewKeyring(other)
		b.start()
		b.traffic(2, 0)
		b.blind("with another key", "wrong_keys!")
		b.condition(detector.ConditionWrongKeys, "batches are sealed")
		if err := b.det.Reload(detector.Settings{Feeds: map[string]detector.Feed{"c1": b.inbox}, Keys: seal.NewKeyring(other, detector.TestKey)}); err != nil {
			t.Fatal(err)
		}
		b.traffic(2, 0)
		b.blind("with the right key")
	})
}

// Strangers who seal to keys that nobody has do not make a detector that opens others look blind.
func TestStrangersMakeNobodyLookBlind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.traffic(2, 0)
		stranger := detector.Seal(t, detector.BatchNumber(1), detector.ShopHeader(1))
		stranger[20]++ // another key
		for range 30 {
			b.inbox.put(report.Envelope{Batch: detector.BatchNumber(1), Received: time.Now().UnixMilli(), Collector: "c1", ASN: 1, Country: "ZZ", Segment: stranger})
			time.Sleep(time.Second)
			b.blind("a stranger beside users")
			b.traffic(1, 0)
		}
		time.Sleep(3 * time.Minute)
		b.inbox.put(report.Envelope{Batch: detector.BatchNumber(1), Received: time.Now().UnixMilli(), Collector: "c1", ASN: 1, Country: "ZZ", Segment: stranger})
		b.blind("nothing but a stranger for minutes", "wrong_keys!")
		b.traffic(1, 0)
		b.blind("users again")
	})
}

func TestSilenceIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.stop()
		b.slow = true
		b.start()
		time.Sleep(9 * time.Minute)
		b.blind("soon after the start")
		time.Sleep(2 * time.Minute)
		b.blind("long after the start", "nothing_arrives")
		b.condition(detector.ConditionNothingArrives, "since the start")
		b.traffic(1, 0)
		b.blind("with reports")
		time.Sleep(9 * time.Minute)
		b.traffic(1, 0)
		time.Sleep(20 * time.Minute) // pauses of 9 minutes are usual
		b.blind("a pause that is hardly longer than usual")
		time.Sleep(20 * time.Minute)
		b.blind("a long pause", "nothing_arrives")
	})
}

func TestWindowsThatComeTooLateAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t) // bins of 2 s, a grace of 3 s
		defer func() { b.stop() }()
		window := func(length uint64) {
			w := okWindow()
			w.Length = length
			b.put(64501, report.Delivery{}, detector.ShopHeader(b.number), w)
		}
		for range 20 {
			window(5000)
		}
		b.blind("windows as long as can be")
		for range 19 {
			window(5001)
		}
		b.blind("a few too long")
		for range 5 {
			window(60_000)
		}
		b.blind("most are too long", "long_windows")
		b.condition(detector.ConditionLongWindows, "5s, of up to 1m0s")
	})
}

func TestStandstillIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.traffic(5, 0)
		b.blind("at work")
		if err := b.events.Close(); err != nil { // as when the store is damaged
			t.Fatal(err)
		}
		if err := b.state.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		b.blind("without a store", "judging_stands!")
		b.condition(detector.ConditionJudgingStands, "closed")
	})
}

func TestReplacedInboxIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.stop()
		b.slow = true
		b.start()
		b.traffic(2, 0)
		b.inbox.wipe()
		time.Sleep(2 * time.Minute)
		b.blind("with another inbox", "inbox_restored c1")
		b.traffic(1, 0)
		time.Sleep(24 * time.Hour)
		b.blind("a day later", "nothing_arrives")
	})
}

// A collector whose clock is wrong is named.
func TestCollectorsClockIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.stop()
		b.off.Store(int64(90 * time.Minute)) // from the start
		b.feed = knowing{b.inbox, b}
		b.start()
		b.traffic(1, 0)
		b.blind("a clock that was wrong at the start", "collector_clock c1")
		b.condition(detector.ConditionCollectorClock, "-1h30m0s")
	})
}

// While no feed works nothing is judged, and what fell into that time is judged late: it neither
// passes for calm nor is learned as normal.
func TestWhatFellIntoAGapIsJudgedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.stop()
		feed := &moody{inbox: b.inbox}
		b.feed = feed
		b.start()
		b.traffic(10, 0)
		fault := errors.New("no route to host")
		feed.err.Store(&fault)
		b.traffic(10, 0)
		b.blind("without a feed", "feed_down! c1")
		b.traffic(10, 64502)
		b.traffic(10, 0)
		if all := b.incidents(); len(all) != 0 {
			t.Fatalf("without a feed: %+v", all)
		}
		feed.err.Store(nil)
		b.traffic(20, 0)
		b.incident("in the gap", 64502)
		if all := b.incidents(); len(all) != 1 || all[0].Open() {
			t.Errorf("%+v, want the one of the gap, over", all)
		}
		for _, e := range b.told() {
			if !e.Incident.Late || e.Incident.Pages() {
				t.Errorf("what fell into the gap is told as %+v, want late and nobody alerted", e)
			}
		}
		b.traffic(8, 64501)
		b.incident("after the gap", 64501)
		b.blind("at the end")
	})
}

// A machine that was suspended finds its clock ahead, and in the feeds what happened meanwhile.
func TestWhatHappenedDuringASuspensionIsJudgedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.stop()
		feed := &moody{inbox: b.inbox}
		b.feed = suspended{feed}
		b.start()
		b.traffic(20, 0)
		asleep := errors.New("suspended")
		feed.err.Store(&asleep) // nothing runs
		from := time.Now()
		b.traffic(10, 0)
		b.traffic(10, 64502)
		b.traffic(20, 0)
		b.lost.Store(int64(time.Since(from))) // the monotonic clock stood still
		feed.err.Store(nil)
		b.traffic(20, 0)
		b.condition(detector.ConditionClockStepped, "judged by the new time")
		b.incident("while it was suspended", 64502)
		for _, e := range b.told() {
			if !e.Incident.Late || e.Incident.Pages() {
				t.Errorf("what happened during the suspension is told as %+v, want late and nobody alerted", e)
			}
		}
		b.traffic(8, 64501)
		b.incident("afterwards", 64501)
	})
}

// suspended is a feed of a collector elsewhere, whose clock is right.
type suspended struct{ *moody }

func (suspended) ClockSkew() (time.Duration, bool) { return 0, true }
