package sqlitestore

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// sums are cells by series and bin: what a store should have.
type sums map[sumKey]*detector.Cell

type sumKey struct {
	model.Series
	end int64
}

func (s sums) add(cells []detector.Cell) {
	for i := range cells {
		c := &cells[i]
		key := sumKey{c.Series, c.End.UnixMilli()}
		if s[key] == nil {
			s[key] = &detector.Cell{Series: c.Series, End: c.End}
		}
		s[key].Merge(c)
	}
}

// check compares the cells in a store.
func (s sums) check(t *testing.T, events *Events) {
	t.Helper()
	all, err := events.Cells(t.Context(), time.UnixMilli(0), time.UnixMilli(1<<50))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(s) {
		t.Fatalf("%d cells, want %d", len(all), len(s))
	}
	encoded := func(c *detector.Cell) string {
		return fmt.Sprint(c.Raw, c.Estimated, c.Clients.Append(nil), c.Spread.Append(nil), c.Places.Append(nil))
	}
	for i := range all {
		c := &all[i]
		if want := s[sumKey{c.Series, c.End.UnixMilli()}]; want == nil || encoded(c) != encoded(want) {
			t.Fatalf("%v %v: %s, want %+v", c.Series, c.End, encoded(c), want)
		}
	}
}

// liveWorld is a store to which anything happens.
type liveWorld struct {
	*testing.T
	path   string
	rng    *rand.Rand
	events *Events
	want   sums
	batch  byte
}

// page makes a page of a batch that no other page has.
func (w *liveWorld) page() *detector.FeedPage {
	w.batch++
	b := detector.Batch{ID: report.BatchID{w.batch}, Received: time.UnixMilli(1_700_000_000_000)}
	for range 1 + w.rng.IntN(20) {
		b.Counts = append(b.Counts, model.Count{Series: model.Series{App: "shop", Outcome: report.OK, ASN: uint32(w.rng.IntN(5))}, Client: 1 + w.rng.Uint64N(200),
			Bucket: report.Bucket(w.rng.IntN(50)), End: b.Received.Add(time.Duration(w.rng.IntN(4)) * time.Minute), Raw: 1 + w.rng.Uint64N(3), Estimated: float64(w.rng.IntN(40))})
	}
	return &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{b}}
}

func (w *liveWorld) append(to *Events) {
	w.Helper()
	p := w.page()
	if _, err := to.Append(w.Context(), p); err != nil {
		w.Fatal(err)
	}
	w.want.add(detector.Fold(p.Batches[0].Counts))
}

func (w *liveWorld) open() *Events {
	w.Helper()
	events, err := OpenEvents(w.Context(), w.path)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = events.Close() })
	return events
}

// fail begins to store a page, and rolls it back.
func (w *liveWorld) fail() {
	w.Helper()
	full := errors.New("full")
	if err := w.events.write(w.Context(), "storing batches", func(tx *sql.Tx) error {
		a := appending{tx: tx, file: w.events.file, page: w.page()}
		_, err := a.run()
		return errors.Join(err, full)
	}); !errors.Is(err, full) {
		w.Fatal(err)
	}
}

// deleteBin deletes what is stored of a bin.
func (w *liveWorld) deleteBin() {
	w.Helper()
	w.events.settle(w.Context())
	end := int64(1_700_000_000_000) + int64(w.rng.IntN(4))*time.Minute.Milliseconds()
	if err := w.events.prune(w.Context(), []old{{"DELETE FROM cells WHERE bin = ?1 AND ?2 > 0", end}}); err != nil {
		w.Fatal(err)
	}
	for key := range w.want {
		if key.end == end {
			delete(w.want, key)
		}
	}
}

// Whatever happens between pages, and however little room there is, the stored sums are those of
// all pages.
func TestSumsOfManyPages(t *testing.T) {
	set(t, &maxDirty, 12)
	set(t, &maxPages, 5)
	for seed := range uint64(6) {
		set(t, &maxLive, []int{0, 4000, 32 << 20}[seed%3])
		w := &liveWorld{T: t, path: filepath.Join(t.TempDir(), "store.db"), rng: rand.New(rand.NewPCG(seed, 1)), want: sums{}}
		w.events = w.open()
		for range 60 {
			switch w.rng.IntN(12) {
			case 0:
				w.fail()
			case 1:
				if err := w.events.Close(); err != nil {
					t.Fatal(err)
				}
				w.events = w.open()
			case 2: // another process
				other := w.open()
				w.append(other)
				if w.rng.IntN(2) == 0 {
					w.want.check(t, other)
				}
				w.append(w.events)
				if err := other.Close(); err != nil {
					t.Fatal(err)
				}
			case 3:
				w.deleteBin()
			case 4:
				w.want.check(t, w.events)
			default:
				w.append(w.events)
			}
		}
		w.want.check(t, w.events)
	}
}

// What one page costs does not grow with the bin.
func TestPagesAreWrittenTogether(t *testing.T) {
	w := &liveWorld{T: t, path: filepath.Join(t.TempDir(), "store.db"), rng: rand.New(rand.NewPCG(1, 1)), want: sums{}}
	w.events = w.open()
	count := func() (pending, cells int) {
		t.Helper()
		if err := w.events.asked.QueryRow("SELECT (SELECT count(*) FROM pending), (SELECT count(*) FROM cells)").Scan(&pending, &cells); err != nil {
			t.Fatal(err)
		}
		return pending, cells
	}
	for range 10 {
		w.append(w.events)
	}
	if pending, cells := count(); pending != 10 || cells != 0 {
		t.Errorf("before they are read, %d pages wait and %d cells are stored", pending, cells)
	}
	w.want.check(t, w.events)
	if pending, cells := count(); pending != 0 || cells != len(w.want) {
		t.Errorf("after they are read, %d pages wait and %d cells are stored, want %d", pending, cells, len(w.want))
	}
}

// A page that was damaged on the disk is lost, which Ready tells, and nothing else.
func TestDamagedPage(t *testing.T) {
	w := &liveWorld{T: t, path: filepath.Join(t.TempDir(), "store.db"), rng: rand.New(rand.NewPCG(1, 1)), want: sums{}}
	w.events = w.open()
	w.append(w.events)
	if err := w.events.write(t.Context(), "damaging", func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO pending (cells) VALUES (x'020406')")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.events.Close(); err != nil {
		t.Fatal(err)
	}
	w.events = w.open()
	w.append(w.events)
	w.want.check(t, w.events)
	if err := w.events.Ready(t.Context()); !errors.Is(err, errPending) {
		t.Errorf("Ready says %v", err)
	}
}

func FuzzPending(f *testing.F) {
	w := &liveWorld{rng: rand.New(rand.NewPCG(1, 1))}
	var whole []byte
	cells := detector.Fold(w.page().Batches[0].Counts)
	for i := range cells {
		whole = appendPending(whole, int64(i), &cells[i])
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add([]byte{2, 4, 6})
	f.Fuzz(func(t *testing.T, b []byte) {
		again, err := reencoded(b)
		if err != nil && !errors.Is(err, errPending) {
			t.Fatal(err)
		}
		if twice, err := reencoded(again); err != nil || !bytes.Equal(twice, again) {
			t.Fatalf("%x came back as %x, %v", again, twice, err)
		}
	})
}

func reencoded(b []byte) (again []byte, err error) {
	err = eachPending(b, func(series int64, c *detector.Cell, _ int) error {
		again = appendPending(again, series, c)
		return nil
	})
	return again, err
}

// Where sums cannot be written, answers lack the latest ones, and readiness says so until they can.
func TestSumsThatCannotBeWritten(t *testing.T) {
	w := &liveWorld{T: t, path: filepath.Join(t.TempDir(), "store.db"), rng: rand.New(rand.NewPCG(5, 8)), want: sums{}}
	w.events = w.open()
	exec := func(sql string) {
		t.Helper()
		if _, err := w.events.db.Writer.ExecContext(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	w.append(w.events)
	exec("CREATE TRIGGER full BEFORE INSERT ON cells BEGIN SELECT RAISE(ABORT, 'no room'); END")
	if all, err := w.events.Cells(t.Context(), time.UnixMilli(0), time.UnixMilli(1<<50)); err != nil || len(all) != 0 {
		t.Errorf("%d cells, %v", len(all), err)
	}
	if err := w.events.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "answers lack the latest sums") || !strings.Contains(err.Error(), "no room") {
		t.Errorf("ready: %v", err)
	}
	exec("DROP TRIGGER full")
	w.append(w.events)
	w.want.check(t, w.events)
	if err := w.events.Ready(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}
}
