package detector

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/wallclock"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// ofCollector is a feed of one collector.
type ofCollector struct {
	Feed
	id string
}

func (f ofCollector) Collector() string { return f.id }

// A collector in other hands cannot speak for another: what it says in its name is put aside, also
// when the quarantine is tried again.
func TestAFeedNamesItsOwnCollectorOnly(t *testing.T) {
	in := &intake{d: &Detector{clock: wallclock.New(wallclock.System(), time.Hour, time.Hour)}, log: slog.New(slog.DiscardHandler), opener: opener{keys: seal.NewKeyring(TestKey), bin: time.Minute, maxAge: time.Hour}}
	page := &FeedPage{}
	for n, feed := range []Feed{ofCollector{nil, "c1"}, ofCollector{nil, "c2"}, struct{ Feed }{}} {
		id := BatchNumber(uint64(n) + 1)
		e := &report.Envelope{Seq: 1, Batch: id, Received: time.Now().UnixMilli(), Collector: "c1", Country: "ZZ", Segment: Seal(t, id, ShopHeader(1))}
		in.feed = feed
		if got := in.take(page, e, in.open(e, false, nil)) != nil; got != (n != 1) {
			t.Errorf("feed %d: taken %v", n, got)
		}
	}
	if len(page.Quarantined) != 1 || page.Quarantined[0].Reason != ReasonCollector {
		t.Fatalf("%+v", page.Quarantined)
	}
	d := &Detector{clock: wallclock.New(wallclock.System(), time.Hour, time.Hour)}
	n, err := d.release(context.Background(), &in.opener, []Held{{Number: 1, Feed: "c2", Quarantined: page.Quarantined[0]}})
	if n != 0 || err != nil {
		t.Errorf("%d released, %v", n, err)
	}
}
