package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// name returns the name of a batch of so many frames.
func name(n, frames int) detector.BatchName {
	b := detector.BatchName{Frames: frames}
	batch := id(n)
	copy(b.Name[:8], batch[8:])
	b.Name[15] = 7
	return b
}

// claim returns a claim about collector c1 that was received so many seconds after start.
func claim(n, told int, asn uint32) detector.Claim {
	return detector.Claim{BatchName: name(n, 3), Collector: "c1", Told: at(told), ASN: asn, Bucket: 9, Client: client(uint64(n))}
}

func claims(t *stateTest) {
	ctx := t.Context()
	if since, err := t.FeedSince(ctx, "c1"); !since.IsZero() || err != nil {
		t.Errorf("a feed that was never read is read since %v, %v", since, err)
	}
	today := start.Truncate(day)
	one, two := claim(1, 0, 64501), claim(2, 1, 64502)
	must(t.T, t.SaveCursor(ctx, &detector.FeedPage{Feed: "c1", Cursor: 1, Claims: []detector.Claim{one, two},
		Claimed: []detector.Claimed{{Collector: "c1", Day: today, ASN: 64501, Batches: 5}}}))
	since, err := t.FeedSince(ctx, "c1")
	if err != nil || since.IsZero() {
		t.Errorf("a feed that was read is read since %v, %v", since, err)
	}
	other := one
	other.Client, other.Told = 99, at(50)
	must(t.T, t.SaveCursor(ctx, &detector.FeedPage{Feed: "c1", Cursor: 2, Claims: []detector.Claim{other},
		Claimed: []detector.Claimed{{Collector: "c1", Day: today, ASN: 64501, Batches: 2}, {Collector: "c2", Day: today, ASN: 0, Batches: 1}}}))
	t.reopen()
	if again, err := t.FeedSince(ctx, "c1"); !again.Equal(since) || err != nil {
		t.Errorf("read since %v, %v; want still %v", again, err, since)
	}
	t.claims(one, two)
	sums, err := t.Claimed(ctx, start)
	must(t.T, err)
	if want := []detector.Claimed{{Collector: "c1", Day: today, ASN: 64501, Batches: 7}, {Collector: "c2", Day: today, ASN: 0, Batches: 1}}; !slices.EqualFunc(sums, want,
		func(a, b detector.Claimed) bool {
			return a.Collector == b.Collector && a.Day.Equal(b.Day) && a.ASN == b.ASN && a.Batches == b.Batches
		}) {
		t.Errorf("claimed %v, want %v", sums, want)
	}
	if sums, err := t.Claimed(ctx, start.Add(day)); len(sums) != 0 || err != nil {
		t.Errorf("of the next day: %v, %v", sums, err)
	}
	must(t.T, t.SettleClaims(ctx, []detector.Claim{one}))
	t.claims(two)
	must(t.T, t.Prune(ctx, start.Add(detector.ClaimsKept+day), detector.Retention{}))
	t.claims()
	if sums, err := t.Claimed(ctx, start); len(sums) != 0 || err != nil {
		t.Errorf("after two days: %v, %v", sums, err)
	}
}

// claims checks the stored claims, in any order.
func (t *stateTest) claims(want ...detector.Claim) {
	t.Helper()
	got, err := t.Claims(t.Context())
	must(t.T, err)
	slices.SortFunc(got, func(a, b detector.Claim) int { return a.Told.Compare(b.Told) })
	if !slices.EqualFunc(got, want, func(a, b detector.Claim) bool {
		same := a.Told.Equal(b.Told)
		a.Told, b.Told = time.Time{}, time.Time{}
		return same && a == b
	}) {
		t.Errorf("claims %+v, want %+v", got, want)
	}
}

// quarantinedNames checks that a batch in quarantine is found by its name.
func quarantinedNames(t *stateTest) {
	ctx := t.Context()
	batch := report.BatchID{1, 2, 3}
	segment := sealed(t.T, batch, 3)
	named := detector.BatchName{Name: seal.Name(segment), Frames: 3}
	more, another := named, named
	more.Frames = 4
	another.Name[15] ^= 1
	names := []detector.BatchName{named, more, another}
	if held, err := t.Quarantines(ctx, names); err != nil || !slices.Equal(held, []bool{false, false, false}) {
		t.Errorf("nothing is in quarantine: %v, %v", held, err)
	}
	must(t.T, t.SaveCursor(ctx, &detector.FeedPage{Feed: "c1", Cursor: 1, Quarantined: []detector.Quarantined{
		{ID: batch, Received: start, Reason: detector.ReasonUnknownKey, Segment: segment, Country: "ZZ"},
	}}))
	if held, err := t.Quarantines(ctx, names); err != nil || !slices.Equal(held, []bool{true, false, false}) {
		t.Errorf("%v, %v; want the first alone", held, err)
	}
}

// sealed returns a segment of so many frames, which nobody can open.
func sealed(t *testing.T, batch report.BatchID, frames int) []byte {
	t.Helper()
	key, err := seal.GenerateOpenKey()
	must(t, err)
	s, err := seal.NewSealer(key.SealKey(), batch)
	must(t, err)
	b := slices.Clone(s.Prefix())
	for range frames {
		b, err = s.Seal(b, []byte{0x80})
		must(t, err)
	}
	return seal.AppendEnd(b)
}

// cameByName checks that a batch is found by its name, and only with as many frames.
func cameByName(t *eventsTest) {
	b := batch(1)
	b.ID = report.BatchID{1, 2, 3, 4, 5, 6, 7, 8, 9}
	b.Sealing = [16]byte{0xa, 0xb, 7: 0xc, 8: 0xd}
	b.EndFrame()
	b.EndFrame()
	t.append(b)
	named := detector.BatchName{Name: [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 0xa, 0xb, 15: 0xc}, Frames: 2}
	fewer, more, another, beside := named, named, named, named
	fewer.Frames, more.Frames = 1, 3
	another.Name[15] ^= 1
	beside.Name[7] ^= 1
	came, err := t.Came(t.Context(), []detector.BatchName{named, fewer, more, another, beside})
	if err != nil || !slices.Equal(came, []bool{true, true, false, false, false}) {
		t.Errorf("%v, %v; want the first two", came, err)
	}
	if came, err := t.Came(t.Context(), nil); len(came) != 0 || err != nil {
		t.Errorf("of nothing: %v, %v", came, err)
	}
}
