package inboxtest

import (
	"errors"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/collector"
)

func acknowledged(t *inboxTest) {
	seqs := t.fill(0, 10, 50<<10)
	before := t.stats()
	if before.Head != seqs[9] || !before.Oldest.Equal(time.UnixMilli(t.now.UnixMilli())) {
		t.Errorf("before: %+v", before)
	}
	t.ack(reader, seqs[6])
	t.ack(reader, seqs[2]) // lower than before: changes nothing
	t.wantHeld("after the seventh", 7, 10)
	if after := t.stats(); after.Acked != seqs[6] || after.Head != seqs[9] || after.Bytes > before.Bytes/2 {
		t.Errorf("after: %+v, before: %+v", after, before)
	}
	t.wantCommit("replays", []collector.Status{duplicate, duplicate},
		t.entry(2, 50<<10, 0), t.entry(8, 50<<10, 0))
	t.ack(reader, seqs[9])
	t.wantHeld("after the last", 0, 0)
	if s := t.stats(); !s.Oldest.IsZero() || s.Acked != s.Head {
		t.Errorf("after the last: %+v", s)
	}
}

func manyAcknowledged(t *inboxTest) {
	const groups, each = 5, 1000
	for n := range groups {
		t.commit(t.entries(n*each, (n+1)*each, 10)...)
	}
	head := t.stats().Head
	t.ack(reader, head)
	if s := t.stats(); s.Pending != 0 || s.Acked != head || s.Head != head {
		t.Errorf("%+v", s)
	}
	t.wantCommit("replays", []collector.Status{duplicate, duplicate}, t.entry(0, 10, 0), t.entry(groups*each-1, 10, 0))
}

func heldForReaders(t *inboxTest) {
	t.setReaders("d1", "d2")
	seqs := t.fill(0, 10, 10)
	t.ack("d1", seqs[7])
	t.wantHeld("only d1 has acknowledged", 0, 10)
	t.ack("d2", seqs[4])
	t.wantHeld("d2 has acknowledged less than d1", 5, 10)
	t.ack("d2", seqs[1])
	t.wantHeld("d2 goes back", 5, 10)

	want := []uint64{seqs[7], seqs[4]}
	if got := t.acked("d1", "d2"); !slices.Equal(got, want) {
		t.Errorf("the readers have acknowledged up to %v, want %v", got, want)
	}
	t.reopen() // without SetReaders: the cursors are durable
	if got := t.acked("d1", "d2"); !slices.Equal(got, want) {
		t.Errorf("opened again: up to %v, want %v", got, want)
	}
	t.setReaders("d2", "d1")
	if got := t.acked("d1", "d2"); !slices.Equal(got, want) {
		t.Errorf("with the same readers: up to %v, want %v", got, want)
	}
	t.ack("d2", seqs[9])
	t.wantHeld("d1 has acknowledged less now", 8, 10)
}

// acked returns the cursors of readers and checks that there are no others.
func (t *inboxTest) acked(names ...string) (all []uint64) {
	t.Helper()
	var got []string
	for _, r := range t.stats().Readers {
		got, all = append(got, r.Name), append(all, r.Acked)
	}
	if !slices.Equal(got, names) {
		t.Fatalf("Stats names the readers %q, want %q", got, names)
	}
	return all
}

func readersComeAndGo(t *inboxTest) {
	t.setReaders("d1", "d2")
	seqs := t.fill(0, 10, 10)
	t.ack("d1", seqs[4])
	t.ack("d2", seqs[4])
	t.setReaders("d1", "d3")
	if err := t.Ack(t.Context(), "d2", seqs[9]); !errors.Is(err, collector.ErrReader) {
		t.Errorf("Ack of a former reader: %v, want ErrReader", err)
	}
	t.ack("d1", seqs[9])
	t.wantHeld("d3 is new and holds what is left", 5, 10)
	t.setReaders("d1")
	t.ack("d1", seqs[9])
	t.wantHeld("d1 is alone and has everything", 0, 0)
	t.fill(10, 12, 10)
	t.setReaders("d1", "d2") // d2 is a new reader now
	t.wantHeld("d2 has nothing new yet", 10, 12)
	t.ack("d2", t.stats().Head)
	t.wantHeld("d1 has nothing new yet", 10, 12)
}

func withoutReaders(t *inboxTest) {
	t.setReaders()
	seqs := t.fill(0, 3, 10)
	if err := t.Ack(t.Context(), reader, seqs[2]); !errors.Is(err, collector.ErrReader) {
		t.Errorf("Ack: %v, want ErrReader", err)
	}
	t.wantHeld("without readers", 0, 3)
	t.setReaders(reader)
	t.ack(reader, seqs[1])
	t.wantHeld("with a reader", 2, 3)
}

func foreignCursors(t *inboxTest) {
	seqs := t.fill(0, 3, 10)
	for _, cursor := range []uint64{seqs[2] + 1, 1 << 63, 1<<64 - 1} {
		if err := t.Ack(t.Context(), reader, cursor); !errors.Is(err, collector.ErrCursor) {
			t.Errorf("Ack(%d): %v, want ErrCursor", cursor, err)
		}
		if _, err := t.Read(t.Context(), cursor, 1); !errors.Is(err, collector.ErrCursor) {
			t.Errorf("Read(%d): %v, want ErrCursor", cursor, err)
		}
	}
	t.wantHeld("after refused cursors", 0, 3)
}
