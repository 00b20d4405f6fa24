//go:build !windows

package diskspool_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
)

// refusal fails operations as a system does that renames and deletes no file that is open anywhere.
type refusal struct {
	mu    sync.Mutex
	times map[string]int // operation and extension: how often; below 0: always
}

func (r *refusal) fails(operation, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := operation + " " + filepath.Ext(name)
	switch n := r.times[key]; {
	case n == 0:
		return nil
	case n > 0:
		r.times[key]--
	}
	return &os.PathError{Op: operation, Path: name, Err: syscall.EBUSY}
}

func (r *refusal) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.times)
}

func refusing(t *testing.T, dir string, times map[string]int) (*diskspool.Spool, *refusal) {
	r := &refusal{times: times}
	s := open(t, dir, diskspool.Options{})
	s.Fail(r.fails)
	return s, r
}

// TestRefusedForAMoment: what a virus scanner has open for a moment is renamed and deleted
// in the end.
func TestRefusedForAMoment(t *testing.T) {
	dir := t.TempDir()
	s, _ := refusing(t, dir, map[string]int{"rename .open": 3, "rename .tmp": 3, "remove .tmp": 3, "remove .seg": 3})
	key := newKey(t)
	id := write(t, s, key, time.Now(), 2, 100)
	if got := len(list(t, s)); got != 1 {
		t.Fatalf("%d segments, want 1", got)
	}
	for _, blob := range []string{"one", "two"} {
		if _, err := s.State("tokens", func([]byte) []byte { return []byte(blob) }); err != nil {
			t.Fatal(err)
		}
	}
	must(t, s.Remove(id))
	must(t, s.Purge())
	if left := names(t, dir); len(left) != 0 {
		t.Errorf("Purge leaves %v", left)
	}
}

// TestRemovedSegmentsAreNotSentAgain: a segment that was delivered and cannot be deleted is empty,
// for this process and for the next.
func TestRemovedSegmentsAreNotSentAgain(t *testing.T) {
	dir := t.TempDir()
	s, r := refusing(t, dir, map[string]int{"remove .seg": -1})
	id := write(t, s, newKey(t), time.Now(), 2, 100)
	must(t, s.Remove(id))
	for _, s := range []*diskspool.Spool{s, open(t, dir, diskspool.Options{})} {
		if got := list(t, s); len(got) != 0 {
			t.Errorf("listed again: %v", got)
		}
		if d := drops(s); len(d) != 0 {
			t.Errorf("counted as lost: %v", d)
		}
		if _, err := s.Read(id); err != agent.ErrNoSegment {
			t.Errorf("Read: %v, want ErrNoSegment", err)
		}
	}
	r.end()
	if list(t, s); slices.ContainsFunc(names(t, dir), func(n string) bool { return strings.HasSuffix(n, ".seg") }) {
		t.Errorf("left behind: %v", names(t, dir))
	}
}

// TestPatienceIsShared: however many files are refused, the directory stays locked for one
// patience.
func TestPatienceIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const segments = 8
		r := &refusal{times: map[string]int{"remove .seg": -1, "empty .seg": -1}}
		s := open(t, t.TempDir(), diskspool.Options{MaxSegments: segments})
		s.Fail(r.fails)
		key := newKey(t)
		for range segments {
			write(t, s, key, time.Now(), 2, 100)
		}
		start := time.Now()
		g, err := begin(s, key.SealKey(), time.Now())
		must(t, err)
		if err := g.add(1, 100); !errors.Is(err, agent.ErrSpoolFull) {
			t.Errorf("one more segment: %v, want ErrSpoolFull", err)
		}
		if d := time.Since(start); d > 3*time.Second {
			t.Errorf("it took %v", d)
		}
	})
}

// TestPurgeThatIsRefused: nothing of what consent was withdrawn for is left, Purge says that files
// are, and a later one deletes them.
func TestPurgeThatIsRefused(t *testing.T) {
	dir := t.TempDir()
	s, r := refusing(t, dir, map[string]int{"remove .seg": -1, "remove .open": -1, "remove .state": -1})
	key := newKey(t)
	write(t, s, key, time.Now(), 2, 100)
	other := open(t, dir, diskspool.Options{})
	var writers []*segment
	for _, s := range []*diskspool.Spool{s, other} {
		g, err := begin(s, key.SealKey(), time.Now())
		must(t, err)
		must(t, g.add(1, 100))
		writers = append(writers, g)
	}
	_, err := s.State("tokens", func([]byte) []byte { return []byte("a token") })
	must(t, err)

	if err := s.Purge(); err == nil {
		t.Error("Purge does not say that files are left")
	}
	for _, name := range names(t, dir) {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(b) > 0 {
			t.Errorf("%s has %d bytes, %v", name, len(b), err)
		}
	}
	for _, g := range writers {
		if err := g.add(2, 100); err == nil {
			t.Error("a segment from before the purge takes more")
		}
		_ = g.Close()
	}
	if got := list(t, other); len(got) != 0 {
		t.Errorf("listed after the purge: %v", got)
	}
	if b, err := s.State("tokens", func([]byte) []byte { return nil }); len(b) > 0 || err != nil {
		t.Errorf("state %q, %v", b, err)
	}
	r.end()
	must(t, s.Purge())
	if left := names(t, dir); len(left) != 0 {
		t.Errorf("the second purge leaves %v", left)
	}
}
