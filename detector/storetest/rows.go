package storetest

import (
	"slices"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/judgement"
)

// told returns a batch of so many frames with a row in each, and a last row about its delivery. The
// clients of the rows number them.
func told(n, frames int) detector.Batch {
	b := batch(n)
	b.Received = at(n)
	row := func(frame int) {
		b.Counts = append(b.Counts, count(frame, 1, 1, 1, ok))
		b.Rows = append(b.Rows, judgement.Row{At: 5, Arrived: 7, App: "shop", Target: shop, Client: uint64(100*n + frame), Raw: 1, Estimated: 1.5})
	}
	for f := range frames {
		row(f)
		b.EndFrame()
	}
	row(99)
	return b
}

// toBeJudged: each row that is new is kept once until it is judged, and numbers are never
// used again.
func toBeJudged(t *eventsTest) {
	clients := func(after uint64) (all []uint64, last uint64) {
		t.Helper()
		pages, last, err := t.Unjudged(t.Context(), after)
		must(t.T, err)
		for _, p := range pages {
			if p.Number <= after || p.Number > last {
				t.Errorf("page %d after %d, up to %d", p.Number, after, last)
			}
			text, err := t.Rows(t.Context(), p.Number)
			must(t.T, err)
			rows, err := detector.DecodeRows(text)
			must(t.T, err)
			for _, r := range rows {
				if r.At != 5 || r.Arrived != 7 || r.Estimated != 1.5 || r.Target != shop {
					t.Errorf("%+v", r)
				}
				all = append(all, r.Client)
			}
		}
		return all, last
	}
	waiting := func(after uint64, want ...uint64) uint64 {
		t.Helper()
		all, last := clients(after)
		if !slices.Equal(all, want) {
			t.Errorf("after %d rows of %v wait, want %v", after, all, want)
		}
		return last
	}
	waiting(0)
	t.append(batch(7)) // it tells nothing
	waiting(0)
	t.append(told(2, 1), told(1, 2))
	first := waiting(0, 200, 299, 100, 101, 199)
	if pages, _, err := t.Unjudged(t.Context(), 0); err != nil || len(pages) != 1 || !pages[0].Arrived.Equal(at(1)) {
		t.Errorf("%+v %v, want one page that arrived with its first batch", pages, err)
	}
	t.append(told(1, 2)) // a copy
	t.append(told(2, 3)) // two frames more
	t.reopen()
	second := waiting(first, 201, 202)
	waiting(0, 200, 299, 100, 101, 199, 201, 202)
	must(t.T, t.Judged(t.Context(), first))
	waiting(0, 201, 202)
	must(t.T, t.Judged(t.Context(), second))
	must(t.T, t.Judged(t.Context(), second))
	t.reopen()
	if last := waiting(0); last != second {
		t.Errorf("the last page had number %d, was %d", last, second)
	}
	if text, err := t.Rows(t.Context(), second); len(text) != 0 || err != nil {
		t.Errorf("%q %v of a page that was judged", text, err)
	}
	t.append(told(3, 1))
	if third := waiting(second, 300, 399); third <= second {
		t.Errorf("page %d follows %d", third, second)
	}
}
