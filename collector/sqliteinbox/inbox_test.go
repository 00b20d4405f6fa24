package sqliteinbox

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/report"
)

var received = time.Now().UnixMilli()

// entry makes the n-th batch with a body of some size; the same arguments make the same batch.
func entry(n, size int) collector.Entry {
	segment := []byte(strings.Repeat(string(rune('a'+n%26)), size))
	e := collector.Entry{
		Envelope: report.Envelope{
			Batch: id(n), Received: received + int64(n), Collector: "c1", ASN: 64501, Country: "DE", Segment: segment,
			Delivery: report.Delivery{Age: uint64(n), Path: []report.Attempt{{Collector: "c0", Outcome: report.TCPReset}}},
		},
		Body: sha256.Sum256(segment),
	}
	return e
}

func id(n int) (b report.BatchID) {
	binary.BigEndian.PutUint32(b[:], 29_000_000)
	sum := sha256.Sum256(fmt.Append(nil, n)) // ids of one minute come in any order
	copy(b[4:], sum[:])
	return b
}

func entries(from, to, size int) (all []collector.Entry) {
	for n := from; n < to; n++ {
		all = append(all, entry(n, size))
	}
	return all
}

// reader is the only one, but for tests of several.
const reader = "d1"

func open(t testing.TB, path string, o Options) *Inbox {
	t.Helper()
	i, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Close() })
	if err := i.SetReaders(t.Context(), []string{reader}); err != nil {
		t.Fatal(err)
	}
	return i
}

func fresh(t testing.TB, o Options) *Inbox {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "inbox.db"), o)
}

func commit(t testing.TB, i *Inbox, es ...collector.Entry) []collector.Result {
	t.Helper()
	results, err := i.Commit(t.Context(), es)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func statuses(results []collector.Result) (s []collector.Status) {
	for _, r := range results {
		s = append(s, r.Status)
	}
	return s
}

func read(t testing.TB, i *Inbox, after uint64, limit int) []report.Envelope {
	t.Helper()
	envelopes, err := i.Read(t.Context(), after, limit)
	if err != nil {
		t.Fatal(err)
	}
	return envelopes
}

func stats(t testing.TB, i *Inbox) collector.InboxStats {
	t.Helper()
	s, err := i.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ack(t testing.TB, i *Inbox, upTo uint64) {
	t.Helper()
	if err := i.Ack(t.Context(), reader, upTo); err != nil {
		t.Fatal(err)
	}
}

const (
	isNew     = collector.StatusNew
	duplicate = collector.StatusDuplicate
	conflict  = collector.StatusConflict
)

func TestCommitTellsNewDuplicateAndConflict(t *testing.T) {
	i := fresh(t, Options{})
	other := entry(1, 200) // the id of batch 1 with another body
	got := commit(t, i, entry(1, 100), entry(2, 100), entry(1, 100), other, entry(3, 100))
	if want := []collector.Status{isNew, isNew, duplicate, conflict, isNew}; !slices.Equal(statuses(got), want) {
		t.Fatalf("within a group: %v, want %v", statuses(got), want)
	}
	if got[1].Seq != got[0].Seq+1 || got[4].Seq != got[1].Seq+1 || got[2].Seq != 0 || got[3].Seq != 0 {
		t.Errorf("seqs %v: want 3 in a row, none for what was not stored", got)
	}
	again := commit(t, i, entry(2, 100), other)
	if want := []collector.Status{duplicate, conflict}; !slices.Equal(statuses(again), want) {
		t.Errorf("in a later group: %v, want %v", statuses(again), want)
	}
	if n := len(read(t, i, 0, 100)); n != 3 {
		t.Errorf("%d batches are stored, want 3", n)
	}
}

func TestReadGivesWhatWasCommitted(t *testing.T) {
	i := fresh(t, Options{})
	want := entries(0, 10, 300)
	results := commit(t, i, want...)
	got := read(t, i, 0, 100)
	if len(got) != 10 {
		t.Fatalf("%d batches, want 10", len(got))
	}
	for n := range want {
		want[n].Envelope.Seq = results[n].Seq
		if !reflect.DeepEqual(got[n], want[n].Envelope) {
			t.Errorf("batch %d is %+v, want %+v", n, got[n], want[n].Envelope)
		}
	}
	if part := read(t, i, results[3].Seq, 2); len(part) != 2 || part[0].Seq != results[4].Seq {
		t.Errorf("after the 4th, limit 2: %d batches from %d", len(part), part[0].Seq)
	}
	if rest := read(t, i, results[9].Seq, 2); len(rest) != 0 {
		t.Errorf("%d batches after the last", len(rest))
	}
}

func TestReadIsBoundedInBytes(t *testing.T) {
	i := fresh(t, Options{})
	commit(t, i, entries(0, 30, 256<<10)...)
	size, n := 0, 0
	for after := uint64(0); ; {
		part := read(t, i, after, 1000)
		if len(part) == 0 {
			break
		}
		bytes := 0
		for _, e := range part {
			bytes += len(e.Segment)
		}
		if bytes > readBytes+256<<10 {
			t.Fatalf("one Read returned %d bytes", bytes)
		}
		size, n, after = size+bytes, n+len(part), part[len(part)-1].Seq
	}
	if n != 30 || size != 30*256<<10 {
		t.Errorf("read %d batches of %d bytes in parts", n, size)
	}
}

func TestAckFreesBodiesAndKeepsIDs(t *testing.T) {
	i := fresh(t, Options{})
	results := commit(t, i, entries(0, 10, 50<<10)...)
	before := stats(t, i)
	if before.Pending != 10 || before.Head != results[9].Seq || !before.Oldest.Equal(time.UnixMilli(received)) {
		t.Errorf("before: %+v", before)
	}
	ack(t, i, results[6].Seq)
	ack(t, i, results[2].Seq) // goes not back
	after := stats(t, i)
	if after.Pending != 3 || after.Acked != results[6].Seq || after.Bytes > before.Bytes/2 || !after.Oldest.Equal(time.UnixMilli(received+7)) {
		t.Errorf("after: %+v, before %+v", after, before)
	}
	if got := read(t, i, 0, 100); len(got) != 3 || got[0].Seq != results[7].Seq {
		t.Errorf("%d batches are left, want the last 3", len(got))
	}
	got := statuses(commit(t, i, entry(2, 50<<10), entry(2, 10), entry(8, 50<<10)))
	if want := []collector.Status{duplicate, conflict, duplicate}; !slices.Equal(got, want) {
		t.Errorf("replays: %v, want %v", got, want)
	}
	ack(t, i, results[9].Seq)
	if s := stats(t, i); s.Pending != 0 || !s.Oldest.IsZero() {
		t.Errorf("all acknowledged: %+v", s)
	}
}

func TestAckOfManyGoesInParts(t *testing.T) {
	i := fresh(t, Options{})
	commit(t, i, entries(0, 2*ackRows+5, 10)...)
	ack(t, i, stats(t, i).Head)
	if s := stats(t, i); s.Pending != 0 || s.Acked != s.Head {
		t.Errorf("%+v", s)
	}
}

func TestCursorBeyondTheNewestIsRefused(t *testing.T) {
	i := fresh(t, Options{})
	head := commit(t, i, entry(1, 10))[0].Seq
	for _, cursor := range []uint64{head + 1, 1 << 63, 1<<64 - 1} {
		if err := i.Ack(t.Context(), reader, cursor); !errors.Is(err, collector.ErrCursor) {
			t.Errorf("Ack(%d) = %v, want ErrCursor", cursor, err)
		}
		if _, err := i.Read(t.Context(), cursor, 1); !errors.Is(err, collector.ErrCursor) {
			t.Errorf("Read(%d) = %v, want ErrCursor", cursor, err)
		}
	}
	if s := stats(t, i); s.Pending != 1 {
		t.Errorf("%+v: a refused Ack freed something", s)
	}
}

func TestReopenedInboxGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	i := open(t, path, Options{})
	last := commit(t, i, entries(0, 5, 100)...)[4].Seq
	ack(t, i, last)
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	if err := i.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := i.Commit(t.Context(), entries(5, 6, 1)); err == nil {
		t.Error("a closed inbox took a batch")
	}
	i = open(t, path, Options{})
	got := commit(t, i, entry(3, 100), entry(9, 100))
	if got[0].Status != duplicate || got[1].Seq != last+1 {
		t.Errorf("after reopening: %v, want a duplicate and seq %d", got, last+1)
	}
}

// A detector's cursor outlives the inbox that it was made by: it must not skip batches of
// the next one.
func TestSeqsOfANewInboxLieBeyondThoseOfTheOld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	i := open(t, path, Options{})
	old := commit(t, i, entries(0, 100, 10)...)[99].Seq
	if err := errors.Join(i.Close(), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	i = open(t, path, Options{})
	commit(t, i, entries(0, 3, 10)...)
	ack(t, i, old)
	if got := read(t, i, old, 10); len(got) != 3 {
		t.Errorf("%d batches after the old cursor, want 3", len(got))
	}
}

func TestCommitIsAllOrNothing(t *testing.T) {
	i := fresh(t, Options{})
	bad := entry(2, 10)
	bad.Envelope.Delivery.Age = report.MaxAge + 1 // cannot be encoded
	if _, err := i.Commit(t.Context(), []collector.Entry{entry(1, 10), bad}); err == nil {
		t.Fatal("a bad entry was stored")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := i.Commit(ctx, entries(3, 5, 10)); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit after cancel = %v", err)
	}
	if got := statuses(commit(t, i, entry(1, 10), entry(3, 10))); !slices.Equal(got, []collector.Status{isNew, isNew}) {
		t.Errorf("%v: a failed group left something", got)
	}
}

func TestOldIDsAreForgottenButPendingOnesNot(t *testing.T) {
	i := fresh(t, Options{Retention: time.Hour})
	wrongClock := entry(0, 10)
	wrongClock.Envelope.Received = time.UnixMilli(received).AddDate(10, 0, 0).UnixMilli()
	results := commit(t, i, append([]collector.Entry{wrongClock}, entries(1, 10, 10)...)...)
	ack(t, i, results[4].Seq)
	for _, c := range []struct {
		at   time.Time
		want []collector.Status // of batches 0, 4 and 5
	}{
		{time.UnixMilli(received).Add(time.Hour), []collector.Status{isNew, duplicate, duplicate}},
		{time.UnixMilli(received).Add(time.Hour + time.Second), []collector.Status{duplicate, isNew, duplicate}},
	} {
		if err := i.maintain(t.Context(), c.at); err != nil {
			t.Fatal(err)
		}
		if got := statuses(commit(t, i, wrongClock, entry(4, 10), entry(5, 10))); !slices.Equal(got, c.want) {
			t.Errorf("at %v: %v, want %v", c.at, got, c.want)
		}
	}
}

func TestChangedIsClosedByNewBatchesOnly(t *testing.T) {
	i := fresh(t, Options{})
	changed := i.Changed()
	isClosed := func() bool {
		select {
		case <-changed:
			return true
		default:
			return false
		}
	}
	if isClosed() {
		t.Fatal("closed before anything was stored")
	}
	commit(t, i, entry(1, 10))
	if !isClosed() {
		t.Fatal("not closed by a new batch")
	}
	changed = i.Changed()
	commit(t, i, entry(1, 10))
	if isClosed() {
		t.Error("closed by a duplicate")
	}
}

func TestConcurrentUse(t *testing.T) {
	i := fresh(t, Options{})
	const writers, each = 4, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				// overlaps the next
				if _, err := i.Commit(t.Context(), entries(w*each+n, w*each+n+2, 100)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := map[report.BatchID]bool{}
	after := uint64(0)
	for len(seen) < writers*each+1 {
		changed := i.Changed()
		got := read(t, i, after, 7)
		if len(got) == 0 {
			select {
			case <-changed:
			case <-t.Context().Done():
				t.Fatal("batches are missing")
			}
		}
		for _, e := range got {
			if seen[e.Batch] || e.Seq <= after {
				t.Fatalf("seq %d after %d, seen %v", e.Seq, after, seen[e.Batch])
			}
			seen[e.Batch], after = true, e.Seq
		}
		ack(t, i, after)
		stats(t, i)
	}
	wg.Wait()
	if s := stats(t, i); s.Pending != 0 {
		t.Errorf("%+v", s)
	}
}
