package sqliteinbox

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/report"
)

// count counts the rows of a table.
func count(t testing.TB, i *Inbox, table string) (n int) {
	t.Helper()
	if err := i.writer.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRowsHoldManyBatches(t *testing.T) {
	for size, want := range map[int]int{20: 9, 1300: 95, pageSize: 1000} {
		i := fresh(t, Options{})
		commit(t, i, entries(0, 1000, size)...)
		if n := count(t, i, "pending"); n > want {
			t.Errorf("1000 batches of %d bytes are in %d rows, want at most %d", size, n, want)
		}
		if m, err := i.measure(); err != nil || size < pageSize && m.used() > int64(1000*(size+150)+20*pageSize) {
			t.Errorf("1000 batches of %d bytes use %d bytes, %v", size, m.used(), err)
		}
	}
}

// Small groups share pages, and what is left of a page is filled by the next group.
func TestGroupsFillPages(t *testing.T) {
	i := fresh(t, Options{})
	before, err := i.measure()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, group := range []int{1, 3, 25, 7, 1, 13, 40, 2, 2, 31} {
		commit(t, i, entries(n, n+group, 1300)...)
		n += group
	}
	after, err := i.measure()
	if err != nil {
		t.Fatal(err)
	}
	if full := int64(n) * 1450 / pageSize; after.pages-before.pages > full+3 {
		t.Errorf("%d batches use %d pages, and would fill %d", n, after.pages-before.pages, full)
	}
}

// A reader may acknowledge any batch. Those before it are freed, although others of their row
// are not.
func TestAcknowledgementsDivideRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	i := open(t, path, Options{})
	const all = 60
	commit(t, i, entries(0, 20, 100)...)
	commit(t, i, entries(20, all, 100)...)
	first := stats(t, i).Acked + 1
	for _, upTo := range []int{1, 2, 7, 19, 20, 21, 45, 58, 59, 60} {
		ack(t, i, first+uint64(upTo)-1)
		if upTo == 21 {
			if err := i.Close(); err != nil {
				t.Fatal(err)
			}
			i = open(t, path, Options{})
		}
		held := read(t, i, 0, 1000)
		if len(held) != all-upTo {
			t.Fatalf("%d batches are held after the acknowledgement of %d", len(held), upTo)
		}
		for n, e := range held {
			want := entry(upTo+n, 100).Envelope
			if want.Seq = first + uint64(upTo+n); fmt.Sprint(e) != fmt.Sprint(want) {
				t.Fatalf("batch %d is %+v", upTo+n, e)
			}
		}
		s := stats(t, i)
		if s.Pending != uint64(all-upTo) || s.Acked != first+uint64(upTo)-1 {
			t.Errorf("after %d: %+v", upTo, s)
		}
		if len(held) > 0 && !s.Oldest.Equal(time.UnixMilli(held[0].Received)) {
			t.Errorf("after %d: the oldest was received at %v, and is held since %v", upTo, held[0].Received, s.Oldest)
		}
		again := []collector.Entry{entry(0, 100), entry(upTo-1, 100), entry(min(upTo, all-1), 100)}
		if got := commit(t, i, again...); !slices.Equal(got, []collector.Status{duplicate, duplicate, duplicate}) {
			t.Errorf("after %d: %v", upTo, got)
		}
	}
	if got := read(t, i, first+10, 5); len(got) != 0 {
		t.Errorf("%d batches are left", len(got))
	}
}

// Reads begin and end within rows.
func TestReadsBeginAndEndAnywhere(t *testing.T) {
	i := fresh(t, Options{})
	commit(t, i, entries(0, 30, 100)...)
	head := stats(t, i).Head
	for after := head - 30; after <= head; after++ {
		for _, limit := range []int{1, 4, 100} {
			got := read(t, i, after, limit)
			if want := min(limit, int(head-after)); len(got) != want {
				t.Fatalf("%d batches after %d of 30, want %d", len(got), after-(head-30), want)
			}
			for n := range got {
				if got[n].Seq != after+uint64(n)+1 {
					t.Fatalf("number %d in place %d after %d", got[n].Seq, n, after)
				}
			}
		}
	}
}

// version4 makes an inbox as the releases before version 5 left it, with rows of one batch, of
// which the first are acknowledged.
func version4(t *testing.T, path string, batches, acknowledged int) {
	t.Helper()
	o := fileOptions()
	o.Schema.Upgrades = o.Schema.Upgrades[:3]
	db, err := sqlitedb.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	run := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.Writer.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	const first = 1000
	for n := range batches {
		e := entry(n, 100)
		delivery, err := report.AppendDelivery(nil, e.Envelope.Delivery)
		if err != nil {
			t.Fatal(err)
		}
		k := keyOf(e.Envelope.Batch, e.Body)
		run("INSERT INTO ids VALUES (?, ?)", k[:], first+n)
		if n < acknowledged {
			run("INSERT INTO acked VALUES (?, ?, ?, ?)", first+n, e.Envelope.Received, e.Envelope.Batch[:], e.Body[:])
			continue
		}
		run("INSERT INTO pending VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", first+n, e.Envelope.Received, e.Envelope.Batch[:], e.Body[:],
			e.Envelope.ASN, e.Envelope.Country, e.Envelope.Collector, delivery, e.Envelope.Segment, e.Envelope.Bucket)
	}
	run("UPDATE state SET acked = ?, indexed = ?", first+acknowledged-1, first+batches-1)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// Batches of before and of now are in one inbox until the former are acknowledged.
func TestInboxOfVersion4GoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	version4(t, path, 10, 4)
	for range 2 { // and again, now that it is
		i := open(t, path, Options{})
		if got := commit(t, i, entries(0, 10, 100)...); slices.Contains(got, isNew) {
			t.Errorf("the old batches: %v", got)
		}
		if err := i.Close(); err != nil {
			t.Fatal(err)
		}
	}
	i := open(t, path, Options{})
	commit(t, i, entries(10, 20, 100)...)
	for _, upTo := range []int{4, 7, 10, 13, 20} {
		ack(t, i, 1000+uint64(upTo)-1)
		held := read(t, i, 0, 100)
		for n, e := range held {
			want := entry(upTo+n, 100).Envelope
			if want.Seq = 1000 + uint64(upTo+n); fmt.Sprint(e) != fmt.Sprint(want) {
				t.Fatalf("batch %d is %+v", upTo+n, e)
			}
		}
		if s := stats(t, i); len(held) != 20-upTo || s.Pending != uint64(len(held)) {
			t.Errorf("after %d: %d batches, %+v", upTo, len(held), s)
		}
	}
	if err := i.maintain(t.Context(), time.UnixMilli(received).Add(defaultRetention+time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := commit(t, i, entries(0, 20, 100)...); slices.Contains(got, duplicate) {
		t.Errorf("after their retention: %v", got)
	}
	if n := count(t, i, "ids"); n != 0 {
		t.Errorf("%d ids are left in the tree", n)
	}
}

func TestDamagedRowsAreNotWhole(t *testing.T) {
	r := held{}
	for n := range 3 {
		e := entry(n, 100)
		w := inserter{}
		k := keyOf(e.Envelope.Batch, e.Body)
		if err := w.add(int64(n+7), &k, &e); err != nil {
			t.Fatal(err)
		}
		r.add(w.row.seq, w.row.received, &k, w.row.frames)
	}
	if !r.whole() {
		t.Fatal("a whole row is not")
	}
	for name, damage := range map[string]func(r *held){
		"its number":    func(r *held) { r.seq++ },
		"a key":         func(r *held) { r.keys[30] ^= 1 },
		"part of a key": func(r *held) { r.keys = r.keys[:len(r.keys)-1] },
		"no keys":       func(r *held) { r.keys = nil },
		"a length":      func(r *held) { r.frames[3]++ },
		"a segment":     func(r *held) { r.frames[len(r.frames)-10] ^= 1 },
		"cut off":       func(r *held) { r.frames = r.frames[:len(r.frames)-1] },
		"too long":      func(r *held) { r.frames = append(r.frames, 0) },
		"one missing":   func(r *held) { r.frames = r.frames[:len(r.frames)/3] },
	} {
		bad := held{seq: r.seq, received: r.received, keys: bytes.Clone(r.keys), frames: bytes.Clone(r.frames)}
		if damage(&bad); bad.whole() {
			t.Errorf("%s: whole", name)
		}
	}
}

// Whatever a row holds, decoding it neither panics nor takes more than it has.
func FuzzRow(f *testing.F) {
	e := entry(1, 30)
	w := inserter{}
	k := keyOf(e.Envelope.Batch, e.Body)
	if err := w.add(1, &k, &e); err != nil {
		f.Fatal(err)
	}
	f.Add(w.row.keys, w.row.frames, 1)
	f.Add(bytes.Repeat(w.row.keys, 2), bytes.Repeat(w.row.frames, 2), 1)
	f.Fuzz(func(t *testing.T, keys, frames []byte, n int) {
		r := held{seq: 2, keys: keys, frames: frames}
		all, err := r.batches(len(keys) / len(k))
		if err == nil && len(all) > len(keys)/len(k) {
			t.Errorf("%d batches for %d bytes of keys", len(all), len(keys))
		}
		r.whole()
		if n < 0 || n > 100 {
			return
		}
		head, tail, err := r.split(n)
		if err == nil && (len(head.keys)+len(tail.keys) != len(keys) || len(head.frames)+len(tail.frames) != len(frames)) {
			t.Error("a divided row has another length")
		}
	})
}
