package sqlitestore_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/detector/storetest"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

var start = time.UnixMilli(1_700_000_000_000)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func storePath(t testing.TB) string { return filepath.Join(t.TempDir(), "store.db") }

// open opens both stores of a file.
func open(t testing.TB, path string) (*sqlitestore.Events, *sqlitestore.State) {
	t.Helper()
	events, state, err := sqlitestore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(events.Close(), state.Close()); err != nil {
			t.Error(err)
		}
	})
	return events, state
}

func id(n int) (b report.BatchID) {
	binary.BigEndian.PutUint64(b[8:], uint64(n))
	return b
}

// query asks the file itself.
func query(t *testing.T, path, q string, into ...any) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(q).Scan(into...); err != nil {
		t.Fatal(err)
	}
}

func TestEvents(t *testing.T) {
	storetest.TestEvents(t, func(t *testing.T) func() (detector.Events, error) {
		path := storePath(t)
		return func() (detector.Events, error) { return sqlitestore.OpenEvents(t.Context(), path) }
	})
}

func TestState(t *testing.T) {
	storetest.TestState(t, func(t *testing.T) func() (detector.State, error) {
		path := storePath(t)
		return func() (detector.State, error) { return sqlitestore.OpenState(t.Context(), path) }
	})
}

// Each store does with the other one in the same file what it does alone.
func TestBothInOneFile(t *testing.T) {
	storetest.TestEvents(t, func(t *testing.T) func() (detector.Events, error) {
		path := storePath(t)
		return func() (detector.Events, error) {
			events, state, err := sqlitestore.Open(t.Context(), path)
			if err != nil {
				return nil, err
			}
			return both{events, state}, nil
		}
	})
	storetest.TestState(t, func(t *testing.T) func() (detector.State, error) {
		path := storePath(t)
		return func() (detector.State, error) {
			events, state, err := sqlitestore.Open(t.Context(), path)
			if err != nil {
				return nil, err
			}
			return bothToo{state, events}, nil
		}
	})
}

// both is the events of a file whose state is closed before them, and bothToo the other way round.
type both struct {
	detector.Events
	state detector.State
}

func (b both) Close() error { return errors.Join(b.state.Close(), b.Events.Close()) }

type bothToo struct {
	detector.State
	events detector.Events
}

func (b bothToo) Close() error { return errors.Join(b.events.Close(), b.State.Close()) }

func TestOneStoreWorksOnWhenTheOtherIsClosed(t *testing.T) {
	events, state := open(t, storePath(t))
	for range 2 {
		if err := events.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := state.Ready(t.Context()); err != nil {
		t.Errorf("the state of a file whose events were closed: %v", err)
	}
	if err := events.Ready(t.Context()); err == nil {
		t.Error("closed events are ready")
	}
}

func TestQuarantineIsBounded(t *testing.T) {
	path := storePath(t)
	_, s := open(t, path)
	for n := range 3 {
		page := &detector.FeedPage{Feed: "c1", Cursor: uint64(n)}
		for i := range 60 {
			page.Quarantined = append(page.Quarantined, detector.Quarantined{ID: id(n*60 + i), Received: start, Reason: detector.ReasonOpen, Detail: "d", Segment: []byte{1}})
		}
		page.Quarantined = append(page.Quarantined, page.Quarantined[0])
		if err := s.SaveCursor(t.Context(), page); err != nil {
			t.Fatal(err)
		}
	}
	var rows, oldest int
	query(t, path, "SELECT count(*), min(id) FROM quarantine", &rows, &oldest)
	if rows > 100 || rows < 90 {
		t.Errorf("%d batches in quarantine, the oldest is number %d; want the newest 100", rows, oldest)
	}
}

func TestPruneDeletesManyRowsInPortions(t *testing.T) {
	path := storePath(t)
	s, _ := open(t, path)
	b := detector.Batch{ID: id(1), Received: start}
	for i := range 12_000 {
		b.Counts = append(b.Counts, model.Count{Series: model.Series{Outcome: report.OK, ASN: uint32(i / 40)}, Client: uint64(i), End: at(2 * (i % 40)), Raw: 1, Estimated: 1})
	}
	if _, err := s.Append(t.Context(), &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{b}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Prune(t.Context(), at(60).Add(30*24*time.Hour), detector.Retention{}); err != nil {
		t.Fatal(err)
	}
	var rows int
	query(t, path, "SELECT count(*) FROM cells", &rows)
	if rows != 12_000/40*10 { // bins that end at 60, 62, … 78
		t.Errorf("%d cells left", rows)
	}
}

// A destroyed key is in no file any more, neither in the database nor in its log.
func TestDestroyedKeysLeaveNoBytes(t *testing.T) {
	path := storePath(t)
	_, s := open(t, path)
	key, err := s.ClientKey(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	if !somewhereBelow(t, filepath.Dir(path), key[:]) {
		t.Fatal("the key is nowhere to begin with")
	}
	if err := s.Prune(t.Context(), start.Add(48*time.Hour), detector.Retention{}); err != nil {
		t.Fatal(err)
	}
	if somewhereBelow(t, filepath.Dir(path), key[:]) {
		t.Error("the bytes of a destroyed key are still in a file")
	}
}

func somewhereBelow(t *testing.T, dir string, what []byte) (found bool) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		found = found || bytes.Contains(b, what)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestOpenRefusesWhatIsNoStore(t *testing.T) {
	dir := t.TempDir()
	write := func(name, statement string) string {
		path := filepath.Join(dir, name)
		db, err := sql.Open("sqlite3", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("this is no database, but it is long enough to look at: "+string(make([]byte, 4096))), 0o600); err != nil {
		t.Fatal(err)
	}
	future := filepath.Join(dir, "future")
	s, err := sqlitestore.OpenEvents(t.Context(), future)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	write("future", "PRAGMA user_version = 99")
	for name, path := range map[string]string{"text": text, "another application's": write("other", "CREATE TABLE t (x)"), "a newer release's": future} {
		if _, _, err := sqlitestore.Open(t.Context(), path); !errors.Is(err, sqlitestore.ErrSchema) {
			t.Errorf("%s file: %v, want ErrSchema", name, err)
		}
	}
	if _, _, err := sqlitestore.Open(t.Context(), filepath.Join(dir, "none", "store.db")); err == nil {
		t.Error("a directory that is missing must be an error")
	}
}

func TestTheFileIsItsOwnersOnly(t *testing.T) {
	path := storePath(t)
	open(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v, want mode 0600", info.Mode(), err)
	}
}

// A million small counters of one bin, in many series, are stored, and nothing is cut.
func TestAMillionCounters(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	const counters, each, series = 1_000_000, 50_000, 20_000
	s, _ := open(t, storePath(t))
	for from := 0; from < counters; from += each {
		b := detector.Batch{ID: id(from + 1), Received: start}
		for i := from; i < from+each; i++ {
			in := model.Series{App: "shop", Target: "https://shop.test", Outcome: report.TCPReset, Server: fmt.Sprintf("192.0.2.%d:443", i%250), ASN: uint32(i % series)}
			b.Counts = append(b.Counts, model.Count{Series: in, Client: sketch.Hash(sketch.Key{}, uint64(i)), End: at(2), Raw: 1, Estimated: 1})
		}
		if _, err := s.Append(t.Context(), &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{b}}); err != nil {
			t.Fatal(err)
		}
	}
	cells, err := s.Cells(t.Context(), start, at(2))
	if err != nil || len(cells) != series {
		t.Fatalf("%d cells, %v; want %d", len(cells), err, series)
	}
	var raw uint64
	for i := range cells {
		raw += cells[i].Raw
		if n := cells[i].Clients.Count(); n != counters/series {
			t.Fatalf("a cell of %d clients, want %d", n, counters/series)
		}
	}
	all, err := s.Totals(t.Context(), model.TotalsQuery{})
	if err != nil || len(all) != 1 || raw != counters || all[0].Failed != counters || all[0].Clients < counters*9/10 || all[0].Clients > counters*11/10 {
		t.Errorf("%d requests in cells, totals %+v, %v", raw, all, err)
	}
}
