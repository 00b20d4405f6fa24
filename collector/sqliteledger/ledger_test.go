package sqliteledger_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteledger"
	"github.com/heliograph-net/heliograph/report"
)

// entry is the n-th batch with a body, received ago before now.
func entry(n int, body string, ago time.Duration) collector.Entry {
	var id report.BatchID
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	copy(id[:], sum[:])
	return collector.Entry{Body: sha256.Sum256([]byte(body)), Envelope: report.Envelope{Batch: id, Received: time.Now().Add(-ago).UnixMilli()}}
}

func open(t *testing.T, path string, o sqliteledger.Options) *sqliteledger.Ledger {
	t.Helper()
	l, err := sqliteledger.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func want(t *testing.T, l *sqliteledger.Ledger, when string, entries []collector.Entry, known ...bool) {
	t.Helper()
	statuses, err := l.Find(t.Context(), entries)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	var got []bool
	for _, s := range statuses {
		got = append(got, s == collector.StatusDuplicate)
	}
	if !slices.Equal(got, known) {
		t.Errorf("%s: known %v, want %v", when, got, known)
	}
}

func TestRecordedIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := open(t, path, sqliteledger.Options{})
	all := []collector.Entry{entry(1, "a", 0), entry(1, "b", 0), entry(2, "a", 0)}
	want(t, l, "at first", all, false, false, false)
	if err := l.Record(t.Context(), all[:1]); err != nil {
		t.Fatal(err)
	}
	if err := l.Record(t.Context(), []collector.Entry{all[0], all[2]}); err != nil {
		t.Fatal(err)
	}
	want(t, l, "recorded", all, true, false, true)
	if err := errors.Join(l.Check(t.Context()), l.Maintain(t.Context()), l.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Find(t.Context(), all); err == nil {
		t.Error("a closed ledger finds something")
	}
	want(t, open(t, path, sqliteledger.Options{}), "opened again", all, true, false, true)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	l = open(t, path, sqliteledger.Options{})
	if err := l.Record(ended, all); !errors.Is(err, context.Canceled) {
		t.Errorf("Record with an ended context: %v", err)
	}
	want(t, l, "after that", all, true, false, true)
}

func TestOldBatchesAreForgotten(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "ledger.db"), sqliteledger.Options{Retention: time.Hour})
	all := []collector.Entry{entry(1, "a", 61*time.Minute), entry(2, "a", 50*time.Minute), entry(3, "a", -2*time.Hour), entry(4, "a", 0)}
	if err := errors.Join(l.Record(t.Context(), all), l.Maintain(t.Context())); err != nil {
		t.Fatal(err)
	}
	want(t, l, "after its time, before, with a wrong clock, and now", all, false, true, false, true)
}

func TestSizeIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := open(t, path, sqliteledger.Options{MaxBytes: 1 << 20})
	var all []collector.Entry
	for n := range 40_000 {
		all = append(all, entry(n, "a", time.Duration(40_000-n)*time.Second))
	}
	for group := range slices.Chunk(all, collector.MaxCommit) {
		if err := l.Record(t.Context(), group); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, l, "the oldest and the newest", []collector.Entry{all[0], all[len(all)-1]}, false, true)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, path, sqliteledger.Options{MaxBytes: 1 << 20}).Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	if err := os.WriteFile(path, []byte("not a database, but long enough to be looked at as one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqliteledger.Open(path, sqliteledger.Options{}); err == nil {
		t.Error("a text is opened as a ledger")
	}
	for _, o := range []sqliteledger.Options{{MaxBytes: 1}, {Retention: -1}} {
		if _, err := sqliteledger.Open(filepath.Join(t.TempDir(), "l.db"), o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

// A batch is known once it was recorded. A ledger is the smaller part of an inbox, see
// collector.Join.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ledger, err := sqliteledger.Open(filepath.Join(dir, "ledger.db"), sqliteledger.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer ledger.Close()

	ctx, batch := context.Background(), []collector.Entry{entry(1, "a", 0)}
	if err := ledger.Record(ctx, batch); err != nil {
		log.Fatal(err)
	}
	statuses, err := ledger.Find(ctx, batch)
	fmt.Println(statuses[0] == collector.StatusDuplicate, err)
	// Output: true <nil>
}
