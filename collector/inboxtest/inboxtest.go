package inboxtest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/report"
)

// Bounds are the limits of an inbox. Zero means the inbox's default.
type Bounds struct {
	MaxBytes int64         // size at which it refuses batches with collector.ErrFull
	MaxAge   time.Duration // maximum age of batches that not all readers have acknowledged
	// the least time for which ids are remembered
	Retention time.Duration
}

// LeastBytes is the smallest MaxBytes that [TestInbox] uses.
const LeastBytes = 1 << 20

// TestInbox checks that an implementation follows the rules of [collector.Inbox]. newPlace makes an
// empty place for an inbox with the given limits and returns a function that opens it. TestInbox
// never opens a place twice at the same time, and closes what it opens.
func TestInbox(t *testing.T, newPlace func(t *testing.T, b Bounds) (open func() (collector.Inbox, error))) {
	for _, test := range []struct {
		name   string
		run    func(*inboxTest)
		bounds Bounds
	}{
		{"nothing at first", nothingAtFirst, Bounds{}},
		{"new and duplicate", newAndDuplicate, Bounds{}},
		{"another body under an id", anotherBody, Bounds{}},
		{"what was committed is read", committedIsRead, Bounds{}},
		{"entries stay the caller's", entriesStayTheCallers, Bounds{}},
		{"groups as large as can be", largestGroup, Bounds{}},
		{"reads are bounded", readsAreBounded, Bounds{}},
		{"changed", changed, Bounds{}},
		{"nothing after the end of its context", endedContext, Bounds{}},
		{"commits and reads at a time", together, Bounds{}},

		{"acknowledged is freed, its id is not", acknowledged, Bounds{}},
		{"many are acknowledged at once", manyAcknowledged, Bounds{}},
		{"what not all readers have is held", heldForReaders, Bounds{}},
		{"readers come and go", readersComeAndGo, Bounds{}},
		{"without readers all is held", withoutReaders, Bounds{}},
		{"cursors of another inbox", foreignCursors, Bounds{}},

		{"opened again", openedAgain, Bounds{}},
		{"closed", closed, Bounds{}},
		{"another inbox in its place", anotherInItsPlace, Bounds{}},

		{"full", full, Bounds{MaxBytes: LeastBytes}},
		{"too old to wait", tooOld, Bounds{MaxAge: time.Hour}},
		{"ids are forgotten", idsAreForgotten, Bounds{Retention: time.Hour}},
		{"a clock that was wrong", wrongClock, Bounds{MaxAge: time.Hour, Retention: time.Hour}},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := &inboxTest{T: t, now: time.Now(), newPlace: func() func() (collector.Inbox, error) { return newPlace(t, test.bounds) }}
			t.Cleanup(i.close)
			i.elsewhere()
			test.run(i)
		})
	}
}

// reader is the only reader, except in tests of several.
const reader = "d1"

// inboxTest is one test and its open inbox.
type inboxTest struct {
	*testing.T
	collector.Inbox
	now      time.Time
	newPlace func() (open func() (collector.Inbox, error))
	place    func() (collector.Inbox, error)
}

// elsewhere opens an empty inbox in another place.
func (t *inboxTest) elsewhere() {
	t.Helper()
	t.close()
	t.place = t.newPlace()
	t.open()
	t.setReaders(reader)
}

func (t *inboxTest) open() {
	t.Helper()
	var err error
	t.Inbox, err = t.place()
	t.must(err)
}

func (t *inboxTest) close() {
	if t.Inbox == nil {
		return
	}
	if err := t.Inbox.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	t.Inbox = nil
}

func (t *inboxTest) reopen() {
	t.Helper()
	t.close()
	t.open()
}

func (t *inboxTest) must(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// entry returns the n-th batch with a body of some size, received ago before now. The same n and
// size give the same id and body; another size gives another body.
func (t *inboxTest) entry(n, size int, ago time.Duration) collector.Entry {
	segment := []byte(strings.Repeat(string(rune('a'+n%26)), size))
	return collector.Entry{
		Envelope: report.Envelope{
			Batch: id(n), Received: t.now.Add(-ago).UnixMilli(), Collector: "c1", ASN: 64501, Country: "DE", Segment: segment,
			Bucket:   report.Bucket(n % (report.MaxBucket + 1)),
			Delivery: report.Delivery{Age: uint64(n), Path: []report.Attempt{{Collector: "c0", Outcome: report.TCPReset}}},
		},
		Body: sha256.Sum256(segment),
	}
}

// entries returns the batches from one number to before another, received now.
func (t *inboxTest) entries(from, to, size int) (all []collector.Entry) {
	for n := from; n < to; n++ {
		all = append(all, t.entry(n, size, 0))
	}
	return all
}

// id returns the id of the n-th batch. The ids of one minute are in random order.
func id(n int) (b report.BatchID) {
	binary.BigEndian.PutUint32(b[:], 29_000_000)
	sum := sha256.Sum256(fmt.Append(nil, n))
	copy(b[4:], sum[:])
	return b
}

const (
	isNew     = collector.StatusNew
	duplicate = collector.StatusDuplicate
)

func (t *inboxTest) commit(entries ...collector.Entry) []collector.Status {
	t.Helper()
	statuses, err := t.Commit(t.Context(), entries)
	t.must(err)
	if len(statuses) != len(entries) {
		t.Fatalf("%d statuses for %d entries", len(statuses), len(entries))
	}
	return statuses
}

// wantCommit commits entries and checks their statuses.
func (t *inboxTest) wantCommit(when string, want []collector.Status, entries ...collector.Entry) {
	t.Helper()
	if got := t.commit(entries...); !slices.Equal(got, want) {
		t.Errorf("%s: statuses %v, want %v", when, got, want)
	}
}

// fill commits the batches from one number to before another and returns their sequence numbers.
func (t *inboxTest) fill(from, to, size int) (seqs []uint64) {
	t.Helper()
	head := t.stats().Head
	t.commit(t.entries(from, to, size)...)
	for _, e := range t.read(head, to-from) {
		seqs = append(seqs, e.Seq)
	}
	if len(seqs) != to-from {
		t.Fatalf("%d of %d new batches are read", len(seqs), to-from)
	}
	return seqs
}

// read reads up to limit batches, with as many calls as necessary.
func (t *inboxTest) read(after uint64, limit int) (all []report.Envelope) {
	t.Helper()
	for len(all) < limit {
		part, err := t.Read(t.Context(), after, limit-len(all))
		t.must(err)
		if len(part) > limit-len(all) {
			t.Fatalf("Read gives %d batches, the limit is %d", len(part), limit-len(all))
		}
		if len(part) == 0 {
			break
		}
		for _, e := range part {
			if e.Seq <= after {
				t.Fatalf("batch %d comes after %d", e.Seq, after)
			}
			after = e.Seq
		}
		all = append(all, part...)
	}
	return all
}

// wantHeld checks that exactly the batches from one number to before another are held.
func (t *inboxTest) wantHeld(when string, from, to int) {
	t.Helper()
	got := t.read(0, to-from+100)
	ok := len(got) == to-from
	for n := range got {
		ok = ok && got[n].Batch == id(from+n)
	}
	if !ok {
		t.Errorf("%s: %d batches are held, want the %d from the one numbered %d", when, len(got), to-from, from)
	}
	if s := t.stats(); s.Pending != uint64(len(got)) {
		t.Errorf("%s: Stats counts %d pending batches, %d are read", when, s.Pending, len(got))
	}
}

func (t *inboxTest) stats() collector.InboxStats {
	t.Helper()
	s, err := t.Stats(t.Context())
	t.must(err)
	return s
}

func (t *inboxTest) setReaders(names ...string) {
	t.Helper()
	t.must(t.SetReaders(t.Context(), names))
}

func (t *inboxTest) ack(name string, upTo uint64) {
	t.Helper()
	t.must(t.Ack(t.Context(), name, upTo))
}

// isClosed reports whether a channel of Changed is closed within a time. An inbox on a server may
// learn of its own commits a moment later.
func isClosed(c <-chan struct{}, wait time.Duration) bool {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	select {
	case <-c:
		return true
	case <-timeout.C:
		return false
	}
}

// sameBatch compares a committed batch with one that was read, apart from the sequence number.
func sameBatch(committed, read report.Envelope) bool {
	committed.Seq = read.Seq
	return reflect.DeepEqual(committed, read)
}
