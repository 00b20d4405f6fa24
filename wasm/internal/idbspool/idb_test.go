//go:build js && wasm

package idbspool

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall/js"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/wasm/internal/jsx"
)

// These tests run in a browser's worker, and tests/browser starts them. Node has no IndexedDB.

var databases int

// newName returns a name of a database that no other test uses.
func newName() string {
	databases++
	return "test " + strconv.Itoa(databases)
}

func openIDB(t testing.TB, name string, o Options) *Spool {
	t.Helper()
	s, err := Open(name, o)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestIndexedDBKeepsTheRules(t *testing.T) {
	agenttest.TestSpool(t, func(t *testing.T, b agenttest.Bounds) func() (agent.Spool, error) {
		name := newName()
		return func() (agent.Spool, error) { return Open(name, options(b)) }
	})
}

// exists reports whether the browser has a database.
func exists(t testing.TB, name string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	all, err := jsx.Await(ctx, js.Global().Get("indexedDB").Call("databases"))
	must(t, err)
	for i := range all.Length() {
		if all.Index(i).Get("name").String() == name {
			return true
		}
	}
	return false
}

// TestReadingLeavesNoTrace: an agent without consent, or with nothing to store, creates no
// database.
func TestReadingLeavesNoTrace(t *testing.T) {
	name := newName()
	s := openIDB(t, name, Options{})
	if len(list(t, s)) != 0 || len(s.TakeDrops()) != 0 {
		t.Error("an absent spool has something")
	}
	if _, err := s.Read(report.BatchID{1}); !errors.Is(err, agent.ErrNoSegment) {
		t.Errorf("read: %v", err)
	}
	must(t, s.Remove(report.BatchID{1}))
	unlock, err := s.LockUpload()
	must(t, err)
	unlock()
	for _, answer := range [][]byte{nil, {}} {
		if b, err := s.State("policy", func(old []byte) []byte { return answer }); b != nil || err != nil {
			t.Errorf("state %q, %v", b, err)
		}
	}
	if n, size := s.Usage(); n != 0 || size != 0 {
		t.Errorf("usage %d, %d", n, size)
	}
	must(t, s.Purge())
	w, err := s.Begin(time.Now(), report.BatchID{1}, nil)
	must(t, err)
	must(t, w.Close())
	must(t, s.Close())
	if exists(t, name) {
		t.Error("there is a database")
	}
	if !s.Persistent() {
		t.Error("the spool took IndexedDB for unavailable")
	}
}

// TestPurgeDeletesTheDatabase: Purge deletes the database although another tab has it open, unless
// a notice is left.
func TestPurgeDeletesTheDatabase(t *testing.T) {
	name := newName()
	s, other := openIDB(t, name, Options{}), openIDB(t, name, Options{})
	write(t, s, time.Now(), 1, 100)
	g := begin(t, other, time.Now())
	must(t, g.add(t, 100))
	_, err := s.State(agent.StateNotice, func([]byte) []byte { return []byte("x") })
	must(t, err)
	must(t, s.Purge())
	if !exists(t, name) {
		t.Error("the notice is gone")
	}
	_, err = s.State(agent.StateNotice, func([]byte) []byte { return []byte{} })
	must(t, err)
	must(t, s.Purge())
	if exists(t, name) {
		t.Error("the database is still there")
	}
	if err := g.add(t, 100); err == nil {
		t.Error("a purged segment takes more")
	}
	write(t, other, time.Now(), 1, 100)
	if got := list(t, s); len(got) != 1 {
		t.Errorf("segments %v after the purge, want the new one", got)
	}
}

// TestDatabaseDeletedFromOutside: the user clears the site's data while the agent runs.
func TestDatabaseDeletedFromOutside(t *testing.T) {
	name := newName()
	s := openIDB(t, name, Options{})
	g := begin(t, s, time.Now())
	must(t, g.add(t, 100))
	(&idb{name: name}).delete()
	if exists(t, name) {
		t.Fatal("the spool keeps the browser from deleting its database")
	}
	if err := g.add(t, 100); err == nil {
		t.Error("appended to what is gone")
	}
	id := write(t, s, time.Now(), 1, 100)
	if got := list(t, s); len(got) != 1 || got[0] != id {
		t.Errorf("segments %v", got)
	}
}

// TestIdleSpoolLetsGo: an open database can keep a page out of the back/forward cache.
func TestIdleSpoolLetsGo(t *testing.T) {
	s := openIDB(t, newName(), Options{})
	write(t, s, time.Now(), 1, 100)
	db := s.db.(*idb)
	if !db.conn.Truthy() {
		t.Fatal("the database is not even open after it was used")
	}
	for deadline := time.Now().Add(4 * idleTime); db.conn.Truthy(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the database stays open")
		}
	}
	if got := list(t, s); len(got) != 1 {
		t.Errorf("segments %v when it is opened again", got)
	}
}

// with replaces a property of the global object, or of one in it, for a test.
func with(t *testing.T, object js.Value, name string, value any) {
	t.Helper()
	define := func(v any) {
		js.Global().Get("Object").Call("defineProperty", object, name, map[string]any{"value": v, "configurable": true, "writable": true})
	}
	old := object.Get(name)
	define(value)
	t.Cleanup(func() { define(old) })
}

// TestWithoutIndexedDB: in private windows of some browsers, IndexedDB is missing or throws.
func TestWithoutIndexedDB(t *testing.T) {
	throws := js.Global().Get("Function").New("throw new DOMException('not here', 'SecurityError')")
	for what, value := range map[string]any{
		"undefined": js.Undefined(), "null": js.Null(), "throws": map[string]any{"open": throws, "deleteDatabase": throws}, "no object": "x",
	} {
		t.Run(what, func(t *testing.T) {
			with(t, js.Global(), "indexedDB", value)
			s := openIDB(t, newName(), Options{})
			id := write(t, s, time.Now(), 1, 100)
			if got := list(t, s); len(got) != 1 || got[0] != id || s.Persistent() {
				t.Errorf("segments %v, persistent %v", got, s.Persistent())
			}
			must(t, s.Purge())
		})
	}
}

// TestWithoutWebLocks: pages that are not secure contexts have no Web Locks.
func TestWithoutWebLocks(t *testing.T) {
	with(t, js.Global().Get("navigator"), "locks", js.Undefined())
	name := newName()
	a, b := openIDB(t, name, Options{}), openIDB(t, name, Options{})
	unlock, err := a.LockUpload()
	must(t, err) // there is nothing to upload and no database
	unlock()
	if exists(t, name) {
		t.Fatal("the lock made a database")
	}
	write(t, a, time.Now(), 1, 100)
	unlock, err = a.LockUpload()
	must(t, err)
	for _, s := range []*Spool{a, b} {
		if _, err := s.LockUpload(); !errors.Is(err, agent.ErrSpoolBusy) {
			t.Errorf("second lock: %v, want ErrSpoolBusy", err)
		}
	}
	unlock()
	unlock()
	unlock, err = b.LockUpload()
	must(t, err)
	must(t, b.db.write(false, func(x transaction) error { // as if b had died long ago
		lease, err := x.state(uploadLease)
		for i := range 8 {
			lease[i] = 0
		}
		x.putState(uploadLease, lease)
		return err
	}))
	took, err := a.LockUpload()
	must(t, err)
	unlock() // too late, because a has the lease now
	if _, err := b.LockUpload(); !errors.Is(err, agent.ErrSpoolBusy) {
		t.Errorf("after the dead one's unlock: %v, want ErrSpoolBusy", err)
	}
	took()
}

// TestForeignRows: invalid rows, chunks and blobs are ignored.
func TestForeignRows(t *testing.T) {
	s := openIDB(t, newName(), Options{})
	id := write(t, s, time.Now(), 1, 100)
	must(t, s.db.write(false, func(x transaction) error {
		i := x.(*idbTransaction)
		i.change(segments, "put", 7, "number")
		i.change(segments, "put", map[string]any{"a": 1}, "object")
		i.change(segments, "put", "not a row", "text")
		i.change(chunks, "put", "text", []any{id.String(), 99})
		i.change(state, "put", "text", "client")
		return nil
	}))
	if got := list(t, s); len(got) != 1 || got[0] != id {
		t.Errorf("segments %v", got)
	}
	if b, err := s.Read(id); err != nil {
		t.Errorf("reading: %d bytes, %v", len(b), err)
	}
	if b, err := s.State("client", func([]byte) []byte { return nil }); b != nil || err != nil {
		t.Errorf("state %q, %v", b, err)
	}
}

// TestFailedTransactionChangesNothing: neither an error of f nor an exception of the browser leaves
// a change behind.
func TestFailedTransactionChangesNothing(t *testing.T) {
	s := openIDB(t, newName(), Options{})
	id := write(t, s, time.Now(), 1, 100)
	mine := errors.New("mine")
	err := s.db.write(false, func(x transaction) error {
		x.clear()
		return mine
	})
	if !errors.Is(err, mine) {
		t.Errorf("own error: %v", err)
	}
	err = s.db.write(false, func(x transaction) error {
		x.clear()
		// A function cannot be cloned.
		x.(*idbTransaction).change(segments, "put", js.FuncOf(func(js.Value, []js.Value) any { return nil }), "function")
		return nil
	})
	if !jsx.Named(err, "DataCloneError") {
		t.Errorf("exception: %v", err)
	}
	if got := list(t, s); len(got) != 1 || got[0] != id {
		t.Errorf("segments %v", got)
	}
}

// TestQuotaOfTheBrowser runs if the browser was told to give this origin little space.
func TestQuotaOfTheBrowser(t *testing.T) {
	if os.Getenv("QUOTA") == "" {
		return
	}
	s := openIDB(t, newName(), Options{})
	var wrote, refused int
	for i := range 60 { // of 60 kB
		g := begin(t, s, time.Now().Add(time.Duration(i)*time.Second))
		err := g.add(t, 60_000)
		switch {
		case err == nil:
			wrote++
			must(t, g.Close())
		case errors.Is(err, agent.ErrSpoolFull):
			refused++
		default:
			t.Fatalf("append %d: %v, want ErrSpoolFull", i, err)
		}
	}
	n, _ := s.Usage()
	var dropped uint64
	for _, d := range s.TakeDrops() {
		if d.Reason != report.DropSpoolFull {
			t.Errorf("dropped for %s", d.Reason)
		}
		dropped += d.Count
	}
	t.Logf("%d written, %d refused, %d dropped, %d kept", wrote, refused, dropped, n)
	if wrote == 0 || refused+int(dropped) == 0 || uint64(n)+dropped != uint64(wrote) || int(dropped) > wrote/2 || !s.Persistent() {
		t.Errorf("%d written, %d refused, %d dropped, %d kept; persistent %v", wrote, refused, dropped, n, s.Persistent())
	}
}

func TestOpenRequiresAName(t *testing.T) {
	if _, err := Open("", Options{}); err == nil || !strings.Contains(err.Error(), "name") {
		t.Errorf("error %v", err)
	}
	if _, err := Open("x", Options{MaxBytes: -1}); err == nil || !strings.Contains(err.Error(), "MaxBytes") {
		t.Errorf("error %v", err)
	}
}
