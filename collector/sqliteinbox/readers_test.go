package sqliteinbox

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
)

func setReaders(t testing.TB, i *Inbox, names ...string) {
	t.Helper()
	if err := i.SetReaders(t.Context(), names); err != nil {
		t.Fatal(err)
	}
}

func ackAs(t testing.TB, i *Inbox, name string, upTo uint64) {
	t.Helper()
	if err := i.Ack(t.Context(), name, upTo); err != nil {
		t.Fatal(err)
	}
}

func TestWhatAllReadersHaveIsFreed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	i := open(t, path, Options{})
	setReaders(t, i, "d1", "d2")
	seq := commit(t, i, entries(0, 10, 10)...)
	pending := func(want int, when string) {
		t.Helper()
		if got := len(read(t, i, 0, 100)); got != want {
			t.Errorf("%s: %d batches are held, want %d", when, got, want)
		}
	}
	ackAs(t, i, "d1", seq[7].Seq)
	pending(10, "only d1 has acknowledged")
	ackAs(t, i, "d2", seq[4].Seq)
	pending(5, "d2 has acknowledged less than d1")
	ackAs(t, i, "d2", seq[1].Seq)
	pending(5, "d2 goes back")

	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if i, err = Open(path, Options{}); err != nil { // without SetReaders: cursors are in the file
		t.Fatal(err)
	}
	defer i.Close()
	s := stats(t, i)
	want := []collector.ReaderStats{{Name: "d1", Acked: seq[7].Seq}, {Name: "d2", Acked: seq[4].Seq}}
	if !slices.Equal(s.Readers, want) {
		t.Errorf("after reopening: %+v, want %+v", s.Readers, want)
	}
	setReaders(t, i, "d1", "d3")
	if err := i.Ack(t.Context(), "d2", seq[9].Seq); !errors.Is(err, collector.ErrReader) {
		t.Errorf("d2 is no reader any more: %v", err)
	}
	ackAs(t, i, "d1", seq[9].Seq)
	pending(5, "d3 is new and holds all that is left")
	setReaders(t, i, "d1")
	ackAs(t, i, "d1", seq[9].Seq)
	pending(0, "d1 is alone")
}

func TestOldBatchesThatNobodyTakesAreDroppedAndCounted(t *testing.T) {
	i := fresh(t, Options{MaxAge: time.Hour})
	results := commit(t, i, entries(0, 3, 10)...)
	later := entry(3, 10)
	later.Envelope.Received += time.Hour.Milliseconds()
	commit(t, i, later)
	for _, c := range []struct {
		after            time.Duration
		pending, dropped uint64
	}{{time.Hour, 4, 0}, {time.Hour + time.Second, 1, 3}} {
		if err := i.maintain(t.Context(), time.UnixMilli(received).Add(c.after)); err != nil {
			t.Fatal(err)
		}
		if s := stats(t, i); s.Pending != c.pending || s.Dropped != c.dropped {
			t.Errorf("after %v: %+v, want %d pending, %d dropped", c.after, s, c.pending, c.dropped)
		}
	}
	if got := statuses(commit(t, i, entry(0, 10))); got[0] != duplicate {
		t.Errorf("a dropped batch is %v when it comes again, want a duplicate", got)
	}
	ack(t, i, results[1].Seq) // a reader that comes back with its old cursor
	if got := read(t, i, results[1].Seq, 10); len(got) != 1 {
		t.Errorf("%d batches are left", len(got))
	}
}
