package inboxtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

func nothingAtFirst(t *inboxTest) {
	s := t.stats()
	if s.Pending != 0 || s.Acked != s.Head || s.Dropped != 0 || !s.Oldest.IsZero() || s.MaxBytes <= 0 || s.Bytes < 0 || s.Bytes > s.MaxBytes {
		t.Errorf("Stats of an empty inbox: %+v", s)
	}
	if len(s.Readers) != 1 || s.Readers[0].Name != reader || !s.Readers[0].Seen.IsZero() {
		t.Errorf("readers %+v, want %s, who was not here yet", s.Readers, reader)
	}
	t.wantHeld("at first", 0, 0)
	for _, after := range []uint64{0, s.Head} {
		if got, err := t.Read(t.Context(), after, 10); len(got) != 0 || err != nil {
			t.Errorf("Read after %d gives %d batches, %v", after, len(got), err)
		}
		t.ack(reader, after)
	}
	t.must(t.Check(t.Context()))
	t.must(t.Maintain(t.Context()))
	if got := t.commit(); len(got) != 0 {
		t.Errorf("a group of none has statuses %v", got)
	}
	if s := t.stats(); s.Readers[0].Seen.Before(t.now.Add(-time.Second)) {
		t.Errorf("the reader was seen at %v, want now", s.Readers[0].Seen)
	}
}

func newAndDuplicate(t *inboxTest) {
	first, second, third := t.entry(1, 100, 0), t.entry(2, 100, 0), t.entry(3, 100, 0)
	t.wantCommit("within a group", []collector.Status{isNew, isNew, duplicate, isNew}, first, second, first, third)
	t.wantHeld("of the group", 1, 4)
	later := t.entry(2, 100, time.Minute)
	later.Envelope.Delivery.Age = 99 // delivered by another path
	t.wantCommit("in a later group", []collector.Status{duplicate, isNew}, later, t.entry(4, 1, 0))
	t.wantHeld("after that", 1, 5)
}

// anotherBody plants bodies under an id: none keeps another out, and each is stored once.
func anotherBody(t *inboxTest) {
	planted, whole, more := t.entry(1, 100, 0), t.entry(1, 200, 0), t.entry(1, 300, 0)
	t.wantCommit("planted first", []collector.Status{isNew}, planted)
	t.wantCommit("then the other", []collector.Status{isNew, duplicate, duplicate}, whole, planted, whole)
	t.wantCommit("again, and in one group", []collector.Status{duplicate, isNew, duplicate, duplicate}, whole, more, more, planted)
	want := []collector.Entry{planted, whole, more}
	got := t.read(0, 10)
	if len(got) != len(want) {
		t.Fatalf("%d batches are read, want %d", len(got), len(want))
	}
	for n := range want {
		if !sameBatch(want[n].Envelope, got[n]) {
			t.Errorf("batch %d is read as %+v, want %+v", n, got[n], want[n].Envelope)
		}
	}
	t.ack(reader, got[2].Seq)
	t.reopen()
	t.wantCommit("when they are acknowledged", []collector.Status{duplicate, duplicate, duplicate}, more, whole, planted)
}

func committedIsRead(t *inboxTest) {
	want := t.entries(0, 10, 300)
	want[3].Envelope.Delivery = report.Delivery{}
	want[4].Envelope.ASN, want[4].Envelope.Country = 1<<32-1, "ZZ"
	want[5] = t.entry(5, 1, 0)
	before := t.stats().Head
	t.commit(want...)
	got := t.read(0, 100)
	if len(got) != len(want) {
		t.Fatalf("%d batches are read, want %d", len(got), len(want))
	}
	for n := range want {
		if !sameBatch(want[n].Envelope, got[n]) {
			t.Errorf("batch %d is read as %+v, want %+v", n, got[n], want[n].Envelope)
		}
	}
	if got[0].Seq <= before || t.stats().Head != got[9].Seq {
		t.Errorf("numbers %d to %d; the head was %d and is %d", got[0].Seq, got[9].Seq, before, t.stats().Head)
	}
	if part, err := t.Read(t.Context(), got[3].Seq, 2); err != nil || len(part) != 2 || !sameBatch(want[4].Envelope, part[0]) {
		t.Errorf("after the fourth, at most two: %d batches, %v", len(part), err)
	}
	if rest, err := t.Read(t.Context(), got[9].Seq, 2); err != nil || len(rest) != 0 {
		t.Errorf("after the last: %d batches, %v", len(rest), err)
	}
}

func entriesStayTheCallers(t *inboxTest) {
	e := t.entry(1, 1000, 0)
	entries := []collector.Entry{e}
	// a copy, to compare with what is read
	e.Envelope.Segment = append([]byte(nil), e.Envelope.Segment...)
	t.commit(entries...)
	clear(entries[0].Envelope.Segment)
	clear(entries)
	for range 2 {
		got := t.read(0, 10)
		if len(got) != 1 || !sameBatch(e.Envelope, got[0]) {
			t.Fatalf("read %+v, want %+v", got, e.Envelope)
		}
		clear(got[0].Segment) // the reader owns it
	}
}

func largestGroup(t *inboxTest) {
	segment := make([]byte, seal.MaxSegment)
	rand.Read(segment)
	large := t.entry(0, 1, 0)
	large.Envelope.Segment, large.Body = segment, sha256.Sum256(segment)
	t.commit(large)
	if got := t.read(0, 10); len(got) != 1 || !sameBatch(large.Envelope, got[0]) {
		t.Errorf("the largest segment is not read as it was committed")
	}
	seqs := t.fill(1, collector.MaxCommit+1, 20)
	t.wantHeld("after the largest group", 0, len(seqs)+1)
	t.wantCommit("the last of the largest group", []collector.Status{duplicate}, t.entry(collector.MaxCommit, 20, 0))
}

func readsAreBounded(t *inboxTest) {
	const size, count, few = 200 << 10, 60, 8 << 20
	for n := 0; n < count; n += 10 {
		t.commit(t.entries(n, n+10, size)...)
	}
	for after, n := uint64(0), 0; n < count; {
		part, err := t.Read(t.Context(), after, 1000)
		t.must(err)
		if len(part) == 0 || len(part)*size > few {
			t.Fatalf("one Read gives %d batches of %d bytes, want at least one and at most a few MiB", len(part), size)
		}
		n, after = n+len(part), part[len(part)-1].Seq
	}
	t.wantHeld("in all", 0, count)
}

// soon is how long an inbox may take to signal a change.
const soon = 10 * time.Second

func changed(t *inboxTest) {
	before := t.Changed()
	if isClosed(before, 0) {
		t.Fatal("closed before anything was stored")
	}
	t.commit(t.entry(1, 10, 0))
	if !isClosed(before, soon) {
		t.Fatal("not closed by a new batch")
	}
	after := t.Changed()
	t.commit(t.entry(1, 10, 0))
	t.ack(reader, t.stats().Head)
	if isClosed(after, 50*time.Millisecond) {
		t.Error("closed by a duplicate or an acknowledgement")
	}
	t.commit(t.entry(1, 10, 0), t.entry(2, 10, 0))
	if !isClosed(after, soon) {
		t.Error("not closed by a new batch in a group with a duplicate")
	}
}

func endedContext(t *inboxTest) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := t.Commit(ended, t.entries(0, 3, 10)); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit with an ended context: %v", err)
	}
	if err := t.Check(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Check with an ended context: %v", err)
	}
	t.wantHeld("after that", 0, 0)
	t.wantCommit("sent again", []collector.Status{isNew, isNew, isNew}, t.entries(0, 3, 10)...)
}

// together runs a committer and a reader at the same time, like a collector and a detector.
func together(t *inboxTest) {
	const groups, each = 40, 5
	var group sync.WaitGroup
	group.Go(func() {
		for n := range groups { // each overlaps the one before
			if _, err := t.Commit(t.Context(), t.entries(max(0, n*each-2), (n+1)*each, 100)); err != nil {
				t.Error(err)
			}
		}
	})
	group.Go(func() {
		for range groups {
			if err := t.Check(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := t.Stats(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	seen := 0
	for after := uint64(0); seen < groups*each; {
		change := t.Changed()
		part, err := t.Read(t.Context(), after, 7)
		t.must(err)
		if len(part) == 0 && !isClosed(change, soon) {
			t.Fatalf("%d of %d batches are read, and nothing changes", seen, groups*each)
		}
		for _, e := range part {
			if e.Batch != id(seen) || e.Seq <= after {
				t.Fatalf("batch %d is %v, numbered %d after %d", seen, e.Batch, e.Seq, after)
			}
			seen, after = seen+1, e.Seq
		}
		t.ack(reader, after)
	}
	group.Wait()
	t.wantHeld("at the end", 0, 0)
}
