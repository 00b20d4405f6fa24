package inboxtest

import (
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/collector"
)

func openedAgain(t *inboxTest) {
	seqs := t.fill(0, 5, 100)
	t.ack(reader, seqs[2])
	t.reopen()
	t.wantHeld("opened again", 3, 5)
	if s := t.stats(); s.Head != seqs[4] || s.Acked != seqs[2] {
		t.Errorf("opened again: %+v", s)
	}
	t.wantCommit("opened again", []collector.Status{duplicate, duplicate},
		t.entry(1, 100, 0), t.entry(4, 100, 0))
	if more := t.fill(5, 6, 100); more[0] <= seqs[4] {
		t.Errorf("number %d after %d", more[0], seqs[4])
	}
	t.ack(reader, t.stats().Head)
	head := t.stats().Head
	t.reopen()
	if s := t.stats(); s.Head != head || s.Pending != 0 {
		t.Errorf("opened when empty: %+v, want the head %d", s, head)
	}
	if more := t.fill(6, 7, 100); more[0] <= head {
		t.Errorf("number %d after %d, which was acknowledged", more[0], head)
	}
}

func closed(t *inboxTest) {
	for range 2 {
		t.must(t.Inbox.Close())
	}
	_, commit := t.Commit(t.Context(), t.entries(0, 1, 1))
	_, read := t.Read(t.Context(), 0, 1)
	_, stats := t.Stats(t.Context())
	for name, err := range map[string]error{"Commit": commit, "Read": read, "Stats": stats, "Check": t.Check(t.Context()),
		"Ack": t.Ack(t.Context(), reader, 0), "SetReaders": t.SetReaders(t.Context(), nil), "Maintain": t.Maintain(t.Context())} {
		if err == nil {
			t.Errorf("%s of a closed inbox succeeded", name)
		}
	}
}

// anotherInItsPlace: a detector's cursor outlives the inbox that it comes from. It must not skip
// batches of the next inbox.
func anotherInItsPlace(t *inboxTest) {
	seqs := t.fill(0, 100, 10)
	t.elsewhere()
	t.fill(0, 3, 10)
	after, err := t.Read(t.Context(), seqs[99], 10)
	if errors.Is(err, collector.ErrCursor) {
		return // the detector starts again from 0
	}
	if err != nil || len(after) != 3 {
		t.Errorf("%d batches after the old cursor, %v; want all 3, or ErrCursor", len(after), err)
	}
}

func full(t *inboxTest) {
	for _, size := range []int{1500, 50 << 10} {
		taken := t.fillUp(0, size)
		s := t.stats()
		if s.Pending != uint64(taken) || s.Bytes > s.MaxBytes || taken*size < LeastBytes/4 {
			t.Errorf("it has taken %d batches of %d bytes: %+v", taken, size, s)
		}
		t.wantHeld("of a full inbox", 0, taken)
		t.ack(reader, s.Head)
		t.must(t.Check(t.Context()))
		t.elsewhere()
	}
	first := t.fillUp(0, 10<<10)
	t.ack(reader, t.stats().Head)
	if again := t.fillUp(first, 10<<10); again < first/2 {
		t.Errorf("it took %d batches, and %d after they were acknowledged", first, again)
	}
}

// fillUp commits batches, about 10 KiB at a time, until the inbox is full, and returns how many it
// has accepted.
func (t *inboxTest) fillUp(from, size int) (taken int) {
	t.Helper()
	group := max(1, 10<<10/size)
	for taken = 0; taken*size < 4*LeastBytes; taken += group {
		entries := t.entries(from+taken, from+taken+group, size)
		_, err := t.Commit(t.Context(), entries)
		if errors.Is(err, collector.ErrFull) {
			return taken
		}
		t.must(err)
	}
	t.Fatalf("%d batches of %d bytes are taken, MaxBytes is %d", taken, size, LeastBytes)
	return 0
}

func tooOld(t *inboxTest) {
	old, young := t.entry(0, 10, 61*time.Minute), t.entry(1, 10, 50*time.Minute)
	t.commit(old, young)
	head := t.stats()
	if head.Dropped != 0 {
		t.Errorf("before: %+v", head)
	}
	t.must(t.Maintain(t.Context()))
	t.wantHeld("of two, one too old", 1, 2)
	if s := t.stats(); s.Dropped != 1 || s.Head != head.Head {
		t.Errorf("after: %+v", s)
	}
	t.wantCommit("dropped and sent again", []collector.Status{duplicate}, old)
	t.reopen()
	if s := t.stats(); s.Dropped != 1 {
		t.Errorf("opened again: %+v, want one dropped", s)
	}
	t.ack(reader, 0) // a reader that comes back with its old cursor
	t.ack(reader, t.stats().Head)
	t.wantHeld("acknowledged", 0, 0)
	if s := t.stats(); s.Dropped != 1 {
		t.Errorf("acknowledged ones count as dropped: %+v", s)
	}
}

func idsAreForgotten(t *inboxTest) {
	old, young := t.entry(0, 10, 61*time.Minute), t.entry(1, 10, 50*time.Minute)
	t.commit(old, young)
	t.ack(reader, t.stats().Head)
	t.must(t.Maintain(t.Context()))
	t.wantCommit("after its time, and before", []collector.Status{isNew, duplicate}, old, young)
}

// wrongClock: a batch that was received in the far future, because of a wrong clock, does not keep
// later ones from expiring.
func wrongClock(t *inboxTest) {
	future, old, young := t.entry(0, 10, -10*365*24*time.Hour), t.entry(1, 10, 61*time.Minute), t.entry(2, 10, 0)
	t.commit(future, old, young)
	t.must(t.Maintain(t.Context()))
	t.wantHeld("too old behind a wrong clock", 2, 3)
	t.ack(reader, t.stats().Head)
	t.must(t.Maintain(t.Context()))
	t.wantCommit("ids behind a wrong clock", []collector.Status{isNew, isNew, duplicate}, future, old, young)
}
