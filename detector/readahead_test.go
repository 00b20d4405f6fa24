package detector_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// longFeed is a feed of large pages that waits for more as a remote one does.
type longFeed struct {
	t     *testing.T
	all   []report.Envelope
	acked atomic.Uint64
	busy  atomic.Bool
}

func (f *longFeed) enter() (leave func()) {
	if f.busy.Swap(true) {
		f.t.Error("two calls at a time")
	}
	return func() { f.busy.Store(false) }
}

func (f *longFeed) Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error) {
	defer f.enter()()
	if rest := f.all[after:]; len(rest) > 0 {
		return rest[:min(len(rest), limit)], nil
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (f *longFeed) Ack(_ context.Context, upTo uint64) error {
	defer f.enter()()
	if upTo < f.acked.Load() {
		f.t.Errorf("acknowledged %d after %d", upTo, f.acked.Load())
	}
	f.acked.Store(upTo)
	return nil
}

// refusing is a store that refuses every second page.
type refusing struct {
	detector.Events
	pages int
}

func (e *refusing) Append(ctx context.Context, page *detector.FeedPage) ([]bool, error) {
	if e.pages++; e.pages%2 == 1 {
		return nil, errors.New("refused")
	}
	return e.Events.Append(ctx, page)
}

// Large pages are opened while the ones before are stored. All are stored once and acknowledged in
// order, also when the feed then has nothing more for long and when the store fails now and then.
func TestPagesAreOpenedAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &longFeed{t: t}
		const batches = 3 * detector.ReadLimit
		for n := range uint64(batches) {
			id := detector.BatchNumber(n + 1)
			f.all = append(f.all, report.Envelope{Seq: n + 1, Batch: id, Received: time.Now().UnixMilli(), Collector: "c1", ASN: uint32(64500 + n%50),
				Country: "XA", Segment: detector.Seal(t, id, detector.ShopHeader(n%97+1), okWindow())})
		}
		b := &bench{T: t, path: filepath.Join(t.TempDir(), "store.db"), feed: f}
		b.wrap = func(e detector.Events) detector.Events { return &refusing{Events: e} }
		b.start()
		defer func() { b.stop() }()
		time.Sleep(30 * time.Second)
		if got := f.acked.Load(); got != batches {
			t.Errorf("%d of %d batches are acknowledged", got, batches)
		}
		b.metric("batches_total", batches, "new")
		if got := b.total(model.TotalsQuery{}); got.OK != batches {
			t.Errorf("%+v, want %d", got, batches)
		}
	})
}
