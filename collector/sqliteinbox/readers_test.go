package sqliteinbox

import (
	"testing"
	"time"
)

func TestOldBatchesThatNobodyTakesAreDroppedAndCounted(t *testing.T) {
	i := fresh(t, Options{MaxAge: time.Hour})
	commit(t, i, entries(0, 3, 10)...)
	second := read(t, i, 0, 10)[1].Seq
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
	if got := commit(t, i, entry(0, 10)); got[0] != duplicate {
		t.Errorf("a dropped batch is %v when it comes again, want a duplicate", got)
	}
	ack(t, i, second) // a reader that comes back with its old cursor
	if got := read(t, i, second, 10); len(got) != 1 {
		t.Errorf("%d batches are left", len(got))
	}
}
