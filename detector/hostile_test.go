package detector_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// from uploads records from a place.
func (b *bench) from(asn uint32, bucket report.Bucket, records ...any) {
	b.Helper()
	b.number++
	id := detector.BatchNumber(b.number)
	b.inbox.put(report.Envelope{Batch: id, Received: time.Now().UnixMilli(), Collector: "c1", ASN: asn, Country: "XA", Bucket: bucket,
		Segment: detector.Seal(b, id, records...)})
}

// manyCounters are windows of as many different counters as a segment may have, and more.
func manyCounters(n int) (records []any) {
	records = append(records, detector.ShopHeader(uint64(n)+1))
	for w := range 5 {
		var counters []report.Counter
		for status := range uint16(500) {
			for flags := range report.Flags(4) {
				counters = append(counters, report.Counter{Target: fmt.Sprintf("https://t%d.test", n%3), Outcome: report.HTTPError, Server: fmt.Sprint("s", w),
					Status: 100 + status, Flags: flags, Count: 1})
			}
		}
		records = append(records, oneWindow(int64(w), counters...))
	}
	return records
}

// One place that tells as much as it can does not delay a report behind it, and what it told is not
// lost either.
func TestNobodyWaitsForWhoTellsMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		since := time.Now().Add(-time.Minute)
		for n := range 8 {
			b.from(64666, 9, manyCounters(n)...)
		}
		b.from(64501, 1, detector.ShopHeader(1), okWindow())
		stored := func() uint64 {
			n, err := b.events.Batches(t.Context(), since)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		synctest.Wait()
		time.Sleep(time.Second)
		if _, acked := b.inbox.state(); acked != 9 {
			t.Errorf("%d of 9 are acknowledged", acked)
		}
		b.metric("batches_total", 6, detector.ReasonDeferred)
		if got := b.total(model.TotalsQuery{Since: since, Type: report.OK}); got.OK != 1 {
			t.Errorf("the honest report counts %v", got.OK)
		}
		time.Sleep(2 * time.Minute)
		if n := stored(); n != 9 {
			t.Errorf("%d of 9 batches are stored in the end", n)
		}
		b.metric("quarantine_batches", 0, detector.ReasonDeferred)
		b.metric("surplus_rows_total", 8*(5*2000-report.MaxSegmentRows))
	})
}

// pickyEvents is a store that refuses batches with a sample of some application.
type pickyEvents struct {
	detector.Events
	refused int
}

func (p *pickyEvents) Append(ctx context.Context, page *detector.FeedPage) ([]bool, error) {
	for i := range page.Batches {
		if slices.ContainsFunc(page.Batches[i].Counts, func(c model.Count) bool { return c.Target == "https://refused.test" }) {
			p.refused++
			return nil, errors.New("it cannot be stored")
		}
	}
	return p.Events.Append(ctx, page)
}

// A batch that cannot be stored does not stop its feed; it waits for a release that can store it.
func TestWhatCannotBeStoredIsPutAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.stop()
		b.wrap = func(e detector.Events) detector.Events { return &pickyEvents{Events: e} }
		b.start()
		for c := range uint64(20) {
			target := shop
			if c == 3 || c == 17 {
				target = "https://refused.test"
			}
			b.from(64501, 1, detector.ShopHeader(c+1), oneWindow(2000, report.Counter{Target: target, Outcome: report.OK, Count: 1}))
		}
		time.Sleep(5 * time.Minute)
		if _, acked := b.inbox.state(); acked != 20 {
			t.Errorf("%d of 20 are acknowledged", acked)
		}
		if got := b.total(model.TotalsQuery{}); got.OK != 18 {
			t.Errorf("totals %+v, want 18", got)
		}
		b.metric("batches_total", 18, "new")
		b.metric("batches_total", 2, detector.ReasonStore)
		b.metric("quarantine_batches", 2, detector.ReasonStore)
		b.stop()
		b.wrap = nil
		b.start()
		time.Sleep(time.Minute)
		b.metric("batches_total", 2, "released")
		if got := b.total(model.TotalsQuery{}); got.OK != 20 {
			t.Errorf("totals %+v, want 20", got)
		}
	})
}
