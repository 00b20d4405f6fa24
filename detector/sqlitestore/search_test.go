package sqlitestore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/search"
	"github.com/heliograph-net/heliograph/report"
)

// searched is a store and what must be found in it.
type searched struct {
	*testing.T
	events *Events
	rng    *rand.Rand
	all    []model.Sample // with their clients
	pages  int
}

func newSearched(t *testing.T) *searched {
	events, state, err := Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = state.Close(); _ = events.Close() })
	return &searched{T: t, events: events, rng: rand.New(rand.NewPCG(1, 2))}
}

// sample returns the i-th sample. Words are of very different frequency, and one in ten comes late.
func (w *searched) sample(i int) model.Sample {
	at := time.UnixMilli(int64(1_700_000_000_000 + 10*i))
	if w.rng.IntN(10) == 0 {
		at = at.Add(-time.Duration(w.rng.IntN(100_000)) * time.Millisecond)
	}
	return model.Sample{At: at, App: "shop", Version: fmt.Sprint("1.", w.rng.IntN(4)), Target: "https://shop.example", URL: fmt.Sprintf("https://shop.example/item/%c", 'a'+w.rng.IntN(20)),
		Outcome: report.TCPReset, ASN: uint32(64500 + w.rng.ExpFloat64()*5), Client: uint64(1 + w.rng.IntN(500)),
		Error: model.ApplicationError{Message: fmt.Sprintf("rare%d often%d", w.rng.IntN(5000), w.rng.IntN(2))}}
}

func (w *searched) append(n int) {
	w.pages++
	page := &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{{ID: report.BatchID{byte(w.pages), byte(w.pages >> 8)}, Received: time.UnixMilli(1)}}}
	for range n {
		page.Batches[0].Samples = append(page.Batches[0].Samples, w.sample(len(w.all)+len(page.Batches[0].Samples)))
	}
	if _, err := w.events.Append(w.Context(), page); err != nil {
		w.Fatal(err)
	}
	w.all = append(w.all, page.Batches[0].Samples...)
}

// check compares what is found with what there is.
func (w *searched) check(q model.SampleQuery) {
	w.Helper()
	got, err := w.events.Samples(w.Context(), q)
	if err != nil {
		w.Fatalf("%s: %v", q.Text, err)
	}
	text, err := search.Parse(q.Text)
	if err != nil {
		w.Fatal(err)
	}
	var want []model.Sample
	for i, v := range w.all {
		if (q.Scope.ASNs == nil || slices.Contains(q.Scope.ASNs, v.ASN)) && !v.At.Before(q.Since) && (q.Until.IsZero() || v.At.Before(q.Until)) && text.Match(&v) {
			v.Client = uint64(i)
			want = append(want, v)
		}
	}
	slices.SortFunc(want, func(a, b model.Sample) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		return int(b.Client) - int(a.Client) // the later one first
	})
	want = want[:min(len(want), q.Limit)]
	for i := range want {
		want[i].Client = 0
	}
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		w.Errorf("%+v: found %d samples, want %d", q, len(got), len(want))
	}
}

func (w *searched) checkAll() {
	w.Helper()
	middle := w.all[len(w.all)/2].At
	for _, text := range []string{"rare77", "rare78 often1", "version:1.2 item/c", "often0", "missing", "outcome:tcp asn:64501 version:1.1"} {
		w.check(model.SampleQuery{Text: text, Limit: 7})
		w.check(model.SampleQuery{Text: text, Limit: 10_000, Since: middle})
		w.check(model.SampleQuery{Text: text, Limit: 30, Since: middle.Add(-time.Minute), Until: middle, Type: "tcp"})
		w.check(model.SampleQuery{Text: text, Limit: 3, Scope: model.Scope{ASNs: []uint32{64503, 64509}}})
	}
}

func (w *searched) number(query string) (n int) {
	w.Helper()
	if err := w.events.asked.QueryRow(query).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

// Samples are found by words and fields, whether they are in the index already or not, and whatever
// was deleted in between; the index knows nothing of what was deleted.
func TestSearch(t *testing.T) {
	w := newSearched(t)
	for _, n := range []int{1, 5000, 3190, 1, 2*chunkSamples + 100} {
		w.append(n)
	}
	if n := w.number("SELECT count(*) FROM sample_chunks"); n != 3 {
		t.Fatalf("%d chunks", n)
	}
	w.checkAll()

	if err := w.events.Forget(t.Context(), []uint64{7, 8, 9, 1 << 40}); err != nil {
		t.Fatal(err)
	}
	w.all = slices.DeleteFunc(w.all, func(v model.Sample) bool { return v.Client >= 7 && v.Client <= 9 })
	w.checkAll()

	cutoff := time.UnixMilli(1_700_000_000_000 + 10*chunkSamples*3/2)
	if err := w.events.Prune(t.Context(), cutoff.Add(time.Hour), detector.Retention{Samples: time.Hour}); err != nil {
		t.Fatal(err)
	}
	w.all = slices.DeleteFunc(w.all, func(v model.Sample) bool { return v.At.Before(cutoff) })
	w.checkAll()
	if n := w.number("SELECT count(*) FROM sample_chunks"); n != 2 {
		t.Errorf("%d chunks, want 2", n)
	}

	if err := w.events.Prune(t.Context(), cutoff.Add(1000*time.Hour), detector.Retention{Samples: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if n := w.number("SELECT count(*) FROM sample_terms"); n != 0 {
		t.Errorf("the index has %d terms of samples that were deleted", n)
	}
	w.all = nil
	w.append(10) // their ids are not those of indexed samples
	w.checkAll()
}

// Trim takes samples out of the index, too.
func TestTrimmedSamplesAreNotFound(t *testing.T) {
	w := newSearched(t)
	w.append(chunkSamples)
	if _, err := w.events.Trim(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if n := w.number("SELECT count(*) FROM samples"); n != 0 {
		t.Fatalf("%d samples are left", n)
	}
	if n := w.number("SELECT count(*) FROM sample_terms"); n != 0 {
		t.Errorf("the index has %d terms", n)
	}
}

// A phrase of frequent words that do not follow each other is given up, and the error says what to
// do.
func TestSearchIsBounded(t *testing.T) {
	w := newSearched(t)
	w.append(5*chunkSamples + 1)
	_, err := w.events.Samples(t.Context(), model.SampleQuery{Text: `"example shop"`})
	if e, ok := errors.AsType[*model.CostError](err); !ok || e.Since.IsZero() || !strings.Contains(err.Error(), "samples") {
		t.Errorf("%v", err)
	}
	if _, err := w.events.Samples(t.Context(), model.SampleQuery{Text: `"open`}); !errors.Is(err, model.ErrQuery) {
		t.Errorf("%v", err)
	}
}

// The samples of an older release are found after the upgrade.
func TestUpgradeIndexesSamples(t *testing.T) {
	w := newSearched(t)
	w.append(chunkSamples + 5)
	if _, err := w.events.db.Writer.Exec("DELETE FROM sample_chunks; DELETE FROM sample_terms; DELETE FROM samples WHERE id < 100"); err != nil {
		t.Fatal(err)
	}
	w.all = w.all[99:]
	tx, err := w.events.db.Writer.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(indexOld(tx), tx.Commit()); err != nil {
		t.Fatal(err)
	}
	if n := w.number("SELECT count(*) FROM sample_chunks"); n != 1 {
		t.Errorf("%d chunks", n)
	}
	w.checkAll()
}
