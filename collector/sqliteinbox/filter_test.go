package sqliteinbox

import (
	"encoding/binary"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestFilterHasWhatWasAdded(t *testing.T) {
	const keys = 20_000
	f := newFilter(keys)
	for n := range keys {
		k := numberedKey(n)
		f.add(&k)
	}
	found := 0
	for n := range 2 * keys {
		k := numberedKey(n)
		has := f.has(&k)
		if n < keys && !has {
			t.Fatalf("key %d was added", n)
		}
		if n >= keys && has {
			found++
		}
	}
	if found > keys/10 {
		t.Errorf("%d of %d keys that were not added are searched for", found, keys)
	}
}

func numberedKey(n int) key {
	e := entry(n, 0)
	binary.BigEndian.PutUint64(e.Body[:], uint64(n)*0x9e3779b97f4a7c15)
	return keyOf(e.Envelope.Batch, e.Body)
}

// With the filter made at once, late, twice and after another process has written, a batch is
// stored once.
func TestIDsStayUniqueWithTheFilter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	i := open(t, path, Options{})
	i.ledger.rows = 100
	maintain := func() {
		t.Helper()
		if err := i.maintain(t.Context(), time.UnixMilli(received)); err != nil {
			t.Fatal(err)
		}
	}
	again := func(when string, to int) {
		t.Helper()
		if got := commit(t, i, entries(0, to, 20)...); slices.Contains(got, isNew) {
			t.Errorf("%s: %v", when, got)
		}
	}
	maintain()
	commit(t, i, entries(0, 300, 20)...)
	commit(t, i, entries(300, 400, 20)...)
	if indexedIDs(t, i) == 0 || i.ledger.filter == nil {
		t.Fatal("want ids in the tree and a filter")
	}
	again("with a filter from the start", 400)
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	i = open(t, path, Options{})
	i.ledger.rows = 100
	again("without a filter", 400)
	maintain()
	again("with a filter of what was there", 400)

	other := open(t, path, Options{})
	other.ledger.rows = 100
	commit(t, other, entries(400, 500, 20)...)
	commit(t, other, entries(500, 600, 20)...)
	again("after another process", 600)
	if i.ledger.filter != nil {
		t.Error("the filter lacks what another process has written, and is used")
	}
	maintain()
	again("with a new filter", 600)

	old := i.ledger.filter
	old.added = int(2*i.o.rememberable()) + 1
	maintain()
	if i.ledger.filter == old {
		t.Error("a full filter is kept")
	}
	again("with another filter", 600)
}
