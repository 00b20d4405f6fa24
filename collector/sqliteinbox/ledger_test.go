package sqliteinbox

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/heliograph-net/heliograph/collector"
)

// indexedIDs counts the ids in the tree.
func indexedIDs(t testing.TB, i *Inbox) (n int) {
	t.Helper()
	if err := i.writer.QueryRowContext(t.Context(), "SELECT count(*) FROM ids").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Whatever part of the ids is in memory, being indexed or in the tree, and however often the inbox
// is opened anew, a batch is stored once.
func TestIDsStayUniqueWhileTheyAreIndexedLate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	i := open(t, path, Options{})
	const all, group = 4000, 50
	for n := 0; n < all; n += group {
		i.ledger.rows = 1000
		commit(t, i, entries(n, n+group, 20)...)
		if n%700 == 0 {
			if err := i.Close(); err != nil {
				t.Fatal(err)
			}
			i = open(t, path, Options{})
		}
		if n%900 == 0 {
			ack(t, i, stats(t, i).Head-group/2)
		}
		for _, old := range []int{n, n / 2, 0} {
			if got := commit(t, i, entry(old, 20)); !slices.Equal(got, []collector.Status{duplicate}) {
				t.Fatalf("batch %d again, after %d: %v", old, n+group, got)
			}
		}
	}
	if n := indexedIDs(t, i); n < all/2 || n == all {
		t.Errorf("%d of %d ids are in the tree: want most, and not all", n, all)
	}
}

// Another process may write to the file, by an operator's mistake: an id is still stored once.
func TestTwoProcessesOnOneFileStoreAnIDOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	a, b := open(t, path, Options{}), open(t, path, Options{})
	commit(t, a, entry(1, 10))
	if got := commit(t, b, entry(1, 10), entry(2, 10)); !slices.Equal(got, []collector.Status{duplicate, isNew}) {
		t.Errorf("the second process: %v", got)
	}
	if got := commit(t, a, entry(2, 10), entry(1, 11)); !slices.Equal(got, []collector.Status{duplicate, isNew}) {
		t.Errorf("the first process after that: %v", got)
	}
}

// version1 is the schema of the first release, with one batch acknowledged and one pending.
const version1 = `
CREATE TABLE ids (batch BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE pending (seq INTEGER PRIMARY KEY, received INTEGER NOT NULL, batch BLOB NOT NULL, body BLOB NOT NULL, asn INTEGER NOT NULL,
	country TEXT NOT NULL, collector TEXT NOT NULL, delivery BLOB NOT NULL, segment BLOB NOT NULL) STRICT;
CREATE TABLE acked (seq INTEGER PRIMARY KEY, received INTEGER NOT NULL, batch BLOB NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), acked INTEGER NOT NULL, checked INTEGER NOT NULL) STRICT;
INSERT INTO state VALUES (1, 101, 0);
INSERT INTO acked VALUES (101, %[1]d, x'%[2]x', x'%[3]x');
INSERT INTO pending VALUES (102, %[1]d, x'%[4]x', x'%[5]x', 0, 'ZZ', 'c1', x'a0', x'00');
INSERT INTO ids VALUES (x'%[2]x', 101), (x'%[4]x', 102);
PRAGMA journal_mode = WAL;
PRAGMA application_id = 1212635202;
PRAGMA user_version = 1;`

func TestInboxOfVersion1IsBroughtUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	first, second := entry(1, 10), entry(2, 10)
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(fmt.Sprintf(version1, received, first.Envelope.Batch[:], first.Body[:], second.Envelope.Batch[:], second.Body[:])); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // and again, now that it is
		i := open(t, path, Options{})
		if got := commit(t, i, first, second); !slices.Equal(got, []collector.Status{duplicate, duplicate}) {
			t.Errorf("the old batches: %v", got)
		}
		if s := stats(t, i); s.Head != 102 || s.Acked != 101 || s.Pending != 1 {
			t.Errorf("%+v", s)
		}
		if err := i.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What is kept in memory has a bound, whatever the size of groups.
func TestIDsInMemoryAreBounded(t *testing.T) {
	for _, group := range []int{1, 50, collector.MaxCommit} {
		i := fresh(t, Options{})
		i.ledger.rows = 400
		most := 0
		for n := 0; n < max(2*group, 1200); n += group {
			commit(t, i, entries(n, n+group, 1)...)
			held := len(i.ledger.fresh.all)
			if i.ledger.due != nil {
				held += len(i.ledger.due.all)
			}
			most = max(most, held)
		}
		if bound := i.ledger.rows + i.ledger.rows/2 + 2*group; most > bound {
			t.Errorf("groups of %d: %d ids are in memory, want at most %d", group, most, bound)
		}
	}
}
