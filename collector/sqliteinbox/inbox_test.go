package sqliteinbox

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/inboxtest"
	"github.com/heliograph-net/heliograph/report"
)

func TestInboxKeepsTheRules(t *testing.T) {
	inboxtest.TestInbox(t, func(t *testing.T, b inboxtest.Bounds) func() (collector.Inbox, error) {
		path := filepath.Join(t.TempDir(), "inbox.db")
		return func() (collector.Inbox, error) {
			return Open(path, Options{MaxBytes: b.MaxBytes, MaxAge: b.MaxAge, Retention: b.Retention})
		}
	})
}

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

func commit(t testing.TB, i *Inbox, es ...collector.Entry) []collector.Status {
	t.Helper()
	statuses, err := i.Commit(t.Context(), es)
	if err != nil {
		t.Fatal(err)
	}
	return statuses
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
)

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

// A detector's cursor outlives the inbox that it was made by: it must not skip batches of
// the next one.
func TestSeqsOfANewInboxLieBeyondThoseOfTheOld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	i := open(t, path, Options{})
	commit(t, i, entries(0, 100, 10)...)
	old := stats(t, i).Head
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
	if got := commit(t, i, entry(1, 10), entry(3, 10)); !slices.Equal(got, []collector.Status{isNew, isNew}) {
		t.Errorf("%v: a failed group left something", got)
	}
}

func TestOldIDsAreForgottenButPendingOnesNot(t *testing.T) {
	i := fresh(t, Options{Retention: time.Hour})
	wrongClock := entry(0, 10)
	wrongClock.Envelope.Received = time.UnixMilli(received).AddDate(10, 0, 0).UnixMilli()
	commit(t, i, append([]collector.Entry{wrongClock}, entries(1, 10, 10)...)...)
	ack(t, i, read(t, i, 0, 10)[4].Seq)
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
		if got := commit(t, i, wrongClock, entry(4, 10), entry(5, 10)); !slices.Equal(got, c.want) {
			t.Errorf("at %v: %v, want %v", c.at, got, c.want)
		}
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
