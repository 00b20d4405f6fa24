package storetest

import (
	"slices"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/report"
)

// held returns a batch in quarantine that came from a place and has so many bytes.
func held(n int, reason string, asn uint32, bucket report.Bucket, bytes int) detector.Quarantined {
	return detector.Quarantined{ID: id(n), Received: at(n), Reason: reason, Detail: "d", Collector: "c1", ASN: asn, Country: "ZZ", Bucket: bucket,
		Segment: make([]byte, bytes)}
}

// numbersOf returns the numbers with which batches were made.
func numbersOf(all []detector.Held) (numbers []int) {
	for i := range all {
		numbers = append(numbers, int(all[i].Received.Sub(start).Seconds()))
	}
	return numbers
}

// turns: the networks and places take turns in what is returned of the deferred batches, and a
// batch that turns out to be useless stays for another reason.
func turns(t *stateTest) {
	page := &detector.FeedPage{Feed: "c1", Cursor: 1}
	for n := range 40 {
		page.Quarantined = append(page.Quarantined, held(n+1, detector.ReasonDeferred, 1, 1, 100_000)) // a place that shouts
	}
	// from behind its address
	page.Quarantined = append(page.Quarantined, held(50, detector.ReasonDeferred, 1, 1, 2000),
		held(51, detector.ReasonDeferred, 1, 2, 9000), held(52, detector.ReasonDeferred, 2, 1, 9500), held(53, detector.ReasonDeferred, 2, 2, 50_000),
		held(54, detector.ReasonOpen, 3, 1, 10))
	must(t.T, t.SaveCursor(t.Context(), page))
	must(t.T, t.SaveCursor(t.Context(), page)) // as after a crash
	t.reopen()
	all, err := t.Deferred(t.Context(), 6, 1<<30)
	must(t.T, err)
	if got := numbersOf(all); !slices.Equal(got, []int{50, 52, 51, 53, 40, 39}) {
		t.Errorf("turns %v, want the small ones of each place first, then the newest", got)
	}
	if some, err := t.Deferred(t.Context(), 6, 25_000); err != nil || !slices.Equal(numbersOf(some), []int{50, 52, 51}) {
		t.Errorf("turns of 25,000 bytes: %v, %v", numbersOf(some), err)
	}
	if one, err := t.Deferred(t.Context(), 6, 1); err != nil || len(one) != 1 {
		t.Errorf("turns of one byte: %v, %v; want one batch", numbersOf(one), err)
	}
	must(t.T, t.Reclassify(t.Context(), all[0].Number, detector.ReasonOpen, "damaged"))
	must(t.T, t.Release(t.Context(), []uint64{all[1].Number}))
	if rest, err := t.Deferred(t.Context(), 2, 1<<30); err != nil || !slices.Equal(numbersOf(rest), []int{51, 53}) {
		t.Errorf("turns after two are gone: %v, %v", numbersOf(rest), err)
	}
	counts, err := t.QuarantineCounts(t.Context())
	if err != nil || len(counts) != 2 || counts[0].Reason != detector.ReasonDeferred || counts[0].Batches != 42 || counts[1].Batches != 2 {
		t.Errorf("counts %+v, %v", counts, err)
	}
	// what was looked at does not displace what waits
	must(t.T, t.SaveCursor(t.Context(), &detector.FeedPage{Feed: "c1", Cursor: 2, Quarantined: []detector.Quarantined{held(54, detector.ReasonDeferred, 3, 1, 10)}}))
	if rest, err := t.Deferred(t.Context(), 1, 1<<30); err != nil || !slices.Equal(numbersOf(rest), []int{54}) {
		t.Errorf("a batch that was of no use and waits now: %v, %v", numbersOf(rest), err)
	}
}

// shares: one place cannot fill the whole quarantine.
func shares(t *stateTest) {
	page := &detector.FeedPage{Feed: "c1", Cursor: 1, Quarantined: []detector.Quarantined{held(1, detector.ReasonRecord, 7, 1, 1), held(2, detector.ReasonRecord, 1, 9, 1)}}
	must(t.T, t.SaveCursor(t.Context(), page))
	page = &detector.FeedPage{Feed: "c1", Cursor: 2}
	for n := range 300 {
		page.Quarantined = append(page.Quarantined, held(n+10, detector.ReasonOpen, 1, 1, 1))
	}
	must(t.T, t.SaveCursor(t.Context(), page))
	all, err := t.Quarantine(t.Context(), 0, 1000)
	if got := numbersOf(all); err != nil || len(got) != 100 || got[0] != 1 || got[1] != 2 || got[99] != 309 {
		t.Errorf("%d batches are kept, %v, %v; want a hundred with those of others and the newest", len(got), got, err)
	}
}
