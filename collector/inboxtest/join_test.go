package inboxtest_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/inboxtest"
	"github.com/heliograph-net/heliograph/report"
)

// A queue and a ledger that are apart make a whole inbox.
func TestJoinKeepsTheRules(t *testing.T) {
	inboxtest.TestInbox(t, func(_ *testing.T, b inboxtest.Bounds) func() (collector.Inbox, error) {
		q, l := newQueue(b), newLedger(b)
		return func() (collector.Inbox, error) { return collector.Join(&openQueue{queue: q}, l), nil }
	})
}

var errCrash = errors.New("crash")

// brokenLedger records nothing while it is broken.
type brokenLedger struct {
	*ledger
	broken bool
}

func (l *brokenLedger) Record(ctx context.Context, entries []collector.Entry) error {
	if l.broken {
		return errCrash
	}
	return l.ledger.Record(ctx, entries)
}

func (l *brokenLedger) Check(context.Context) error {
	if l.broken {
		return errCrash
	}
	return nil
}

func batch(n byte, segment string) collector.Entry {
	return collector.Entry{Envelope: report.Envelope{Batch: report.BatchID{n}, Received: 1, Collector: "c1", Country: "ZZ", Segment: []byte(segment)},
		Body: sha256.Sum256([]byte(segment))}
}

// What a crash between queue and ledger leaves is read twice when it is sent again, and never lost.
func TestJoinAfterACrashBetweenQueueAndLedger(t *testing.T) {
	q, l := &openQueue{queue: newQueue(inboxtest.Bounds{})}, &brokenLedger{ledger: newLedger(inboxtest.Bounds{}), broken: true}
	inbox := collector.Join(q, l)
	first, second := batch(1, "one"), batch(2, "two")
	if statuses, err := inbox.Commit(t.Context(), []collector.Entry{first}); !errors.Is(err, errCrash) || statuses != nil {
		t.Errorf("Commit = %v, %v", statuses, err)
	}
	if err := inbox.Check(t.Context()); !errors.Is(err, errCrash) {
		t.Errorf("Check = %v with a broken ledger", err)
	}
	l.broken = false
	want := []collector.Status{collector.StatusNew, collector.StatusNew, collector.StatusDuplicate}
	if statuses, err := inbox.Commit(t.Context(), []collector.Entry{first, second, first}); err != nil || !slices.Equal(statuses, want) {
		t.Errorf("sent again: %v, %v; want %v", statuses, err, want)
	}
	if err := inbox.Check(t.Context()); err != nil {
		t.Errorf("Check = %v", err)
	}
	var read []byte
	all, err := inbox.Read(t.Context(), 0, 10)
	for _, e := range all {
		read = append(read, e.Batch[0])
	}
	if err != nil || string(read) != "\x01\x01\x02" {
		t.Errorf("read the batches %v, %v; want the first twice", read, err)
	}
}

// An id is recorded only after its batch is in the queue: a full queue leaves no id.
func TestJoinRecordsNothingThatIsNotQueued(t *testing.T) {
	q, l := &openQueue{queue: newQueue(inboxtest.Bounds{MaxBytes: 1000})}, newLedger(inboxtest.Bounds{})
	inbox := collector.Join(q, l)
	if _, err := inbox.Commit(t.Context(), []collector.Entry{batch(1, string(make([]byte, 2000)))}); !errors.Is(err, collector.ErrFull) {
		t.Errorf("Commit = %v, want ErrFull", err)
	}
	if len(l.known) != 0 {
		t.Errorf("%d ids are recorded", len(l.known))
	}
}
