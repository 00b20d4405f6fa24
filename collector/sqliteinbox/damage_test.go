package sqliteinbox

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// Whoever removes or replaces a file of an inbox that is in use takes from it all that is stored
// from then on. It says so and takes nothing more, and detectors read what it holds.
func TestAnInboxWhoseFilesAreRemovedTakesNothing(t *testing.T) {
	for name, attack := range map[string]func(path string) error{
		"the file":  os.Remove,
		"the log":   func(path string) error { return os.Remove(path + "-wal") },
		"renamed":   func(path string) error { return os.Rename(path, path+".old") },
		"replaced":  func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) },
		"all of it": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "dir", "inbox.db")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			i := open(t, path, Options{})
			commit(t, i, entries(0, 10, 100)...)
			if err := attack(path); err != nil {
				t.Fatal(err)
			}
			if _, err := i.Commit(t.Context(), entries(10, 11, 100)); !errors.Is(err, ErrRemoved) || errors.Is(err, collector.ErrFull) {
				t.Errorf("Commit = %v, want ErrRemoved", err)
			}
			if err := i.Check(t.Context()); !errors.Is(err, ErrRemoved) {
				t.Errorf("Check = %v, want ErrRemoved", err)
			}
			if got := read(t, i, 0, 100); len(got) != 10 {
				t.Errorf("%d batches can be read, want 10", len(got))
			}
			ack(t, i, stats(t, i).Head)
		})
	}
}

// Overwritten pages, a file that was cut, and one that lost its log or is gone beside it are
// refused when the inbox is opened, with the remedy.
func TestDamagedInboxesAreRefusedWithTheRemedy(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"a page in the middle": func(path string) error { return overwrite(path, 9*pageSize, pageSize) },
		"part of a page":       func(path string) error { return overwrite(path, 9*pageSize+4, 40) },
		"the first page":       func(path string) error { return overwrite(path, 0, pageSize) },
		"the schema":           func(path string) error { return overwrite(path, 100, 2000) },
		"cut off":              func(path string) error { return os.Truncate(path, 11*pageSize) },
		"cut within a page":    func(path string) error { return os.Truncate(path, 6*pageSize+100) },
		"emptied beside its log": func(path string) error {
			return errors.Join(os.Truncate(path, 0), os.WriteFile(path+"-wal", []byte("log"), 0o600))
		},
		"gone beside its log": func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path+"-wal", []byte("log"), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "inbox.db")
			i := open(t, path, Options{})
			commit(t, i, entries(0, 200, 1500)...)
			if err := i.Close(); err != nil {
				t.Fatal(err)
			}
			if err := damage(path); err != nil {
				t.Fatal(err)
			}
			if i, err := Open(path, Options{}); !errors.Is(err, sqlitedb.ErrDamaged) {
				t.Errorf("err = %v, want ErrDamaged", err)
				if i != nil {
					_ = i.Close()
				}
			}
		})
	}
}

// Damage that comes while the inbox is open stays on readiness.
func TestDamageAtWorkIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	i := open(t, path, Options{})
	commit(t, i, entries(0, 300, 1500)...)
	i.shorten(t.Context())
	if err := overwrite(path, 9*pageSize, 20*pageSize); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Read(t.Context(), 0, 1000); !errors.Is(err, sqlitedb.ErrDamaged) {
		t.Errorf("Read = %v, want ErrDamaged", err)
	}
	if err := i.Check(t.Context()); !errors.Is(err, sqlitedb.ErrDamaged) {
		t.Errorf("Check = %v, want ErrDamaged", err)
	}
	if _, err := i.Commit(t.Context(), entries(300, 301, 10)); !errors.Is(err, sqlitedb.ErrDamaged) {
		t.Errorf("Commit = %v, want ErrDamaged", err)
	}
}

// overwrite writes bytes that are no page.
func overwrite(path string, at, n int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	noise := make([]byte, n)
	for k := range noise {
		noise[k] = byte(k*7 + 3)
	}
	_, err = f.WriteAt(noise, at)
	return errors.Join(err, f.Close())
}

// A clock that stepped, forward or backward, at work or before the start, drops nothing, for a day.
func TestASteppedClockDropsNothing(t *testing.T) {
	const old, hold = 40 * 24 * time.Hour, 24 * time.Hour
	for name, c := range map[string]struct {
		step   time.Duration
		before bool // the collector starts
	}{
		"forward at work":          {old, false},
		"backward at work":         {-old, false},
		"forward before a start":   {old, true},
		"backward before a start":  {-old, true},
		"forward by a year":        {365 * 24 * time.Hour, false},
		"a start after two months": {60 * 24 * time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "inbox.db")
			var off, elapsed time.Duration
			o := Options{clock: func() (time.Time, time.Duration) { return time.UnixMilli(received).Add(off + elapsed), elapsed }}
			i := open(t, path, o)
			commit(t, i, entries(0, 10, 100)...)
			ack(t, i, stats(t, i).Head-5)
			if c.before {
				if err := i.Close(); err != nil {
					t.Fatal(err)
				}
				off = c.step
				i = open(t, path, o)
			}
			off = c.step
			maintain := func() collector.InboxStats {
				t.Helper()
				if err := i.Maintain(t.Context()); err != nil {
					t.Fatal(err)
				}
				return stats(t, i)
			}
			if s := maintain(); s.Pending != 5 || s.Dropped != 0 {
				t.Errorf("at once: %+v", s)
			}
			elapsed += hold - time.Minute
			if s := maintain(); s.Pending != 5 || commit(t, i, entry(0, 100))[0] != duplicate {
				t.Errorf("within a day: %+v", s)
			}
			elapsed += 2 * time.Minute
			maintain()
			if s := maintain(); s.Pending != 0 || s.Dropped != 5 {
				t.Errorf("after a day: %+v", s)
			}
		})
	}
}

// A reader that is added while another acknowledges has everything to read that is held at its
// addition.
func TestReadersThatComeDuringAnAcknowledgementMissNothing(t *testing.T) {
	for range 20 {
		i := fresh(t, Options{})
		commit(t, i, entries(0, 50, 10)...)
		head := stats(t, i).Head
		added := make(chan error, 1)
		go func() { added <- i.SetReaders(t.Context(), []string{reader, "d2"}) }()
		ack(t, i, head)
		if err := <-added; err != nil {
			t.Fatal(err)
		}
		if s := stats(t, i); s.Pending != 0 && s.Pending != 50 || s.Head-s.Readers[1].Acked != s.Pending {
			t.Errorf("%+v: the second reader has to read what is held", s)
		}
	}
}
