package sqliteinbox

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/internal/salvage"
)

// damagedInbox makes an inbox of 100 acknowledged batches and 400 that wait, and damages it.
func damagedInbox(t *testing.T, damage func(path string) error) (path string, head uint64) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "inbox.db")
	i := open(t, path, Options{})
	commit(t, i, entries(0, 500, 1500)...)
	head = stats(t, i).Head
	ack(t, i, head-400)
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	if err := damage(path); err != nil {
		t.Fatal(err)
	}
	return path, head
}

func TestRepairKeepsWhatCanBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(path string) error
		least  int // batches that wait and are kept
		lost   bool
		header bool
	}{
		"a page in the middle": {func(p string) error { return overwrite(p, 20*pageSize, pageSize) }, 380, true, false},
		"three pages":          {func(p string) error { return overwrite(p, 20*pageSize, 3*pageSize) }, 350, true, false},
		"the end of it":        {func(p string) error { return os.Truncate(p, 30*pageSize) }, 130, true, true},
		"the first page":       {func(p string) error { return overwrite(p, 0, pageSize) }, 400, false, true},
		"the header alone":     {func(p string) error { return overwrite(p, 0, 100) }, 400, false, true},
		"the tree of the ids":  {func(p string) error { return overwrite(p, 7*pageSize, 40) }, 0, false, false},
		"a log that was orphan": {func(p string) error {
			return errors.Join(os.WriteFile(p+"-wal", []byte("log"), 0o600), overwrite(p, 21*pageSize, 10))
		}, 380, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			path, head := damagedInbox(t, c.damage)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			r, err := Repair(t.Context(), path, func(string, int64) {})
			if err != nil {
				t.Fatal(err)
			}
			if r.Whole || r.Header != c.header || c.least > 0 && r.Lost() != c.lost || r.Fault == "" {
				t.Errorf("%+v", r)
			}
			if aside, err := os.ReadFile(r.Aside); err != nil || string(aside) != string(before) {
				t.Errorf("the damaged file was not kept as it was: %v", err)
			}
			i := open(t, path, Options{})
			all := read(t, i, 0, 1000)
			for len(all) > 0 && all[len(all)-1].Seq < head {
				more := read(t, i, all[len(all)-1].Seq, 1000)
				if len(more) == 0 {
					break
				}
				all = append(all, more...)
			}
			if len(all) < c.least || !c.lost && c.least > 0 && len(all) != c.least {
				t.Errorf("%d batches wait, want at least %d:\n%s", len(all), c.least, lines(r))
			}
			for k := range all {
				n := int(all[k].Seq-head) + 499
				if want := entry(n, 1500); string(all[k].Segment) != string(want.Envelope.Segment) || all[k].Batch != want.Envelope.Batch {
					t.Fatalf("batch %d is another", n)
				}
			}
			if len(all) > 0 {
				n := int(all[0].Seq-head) + 499
				if got := commit(t, i, entry(n, 1500), entry(9999, 10)); got[0] != duplicate || got[1] != isNew {
					t.Errorf("after the repair: %v, want a duplicate and a new one", got)
				}
			}
			ack(t, i, stats(t, i).Head)
			if again, err := Repair(t.Context(), copyOf(t, i, path), nil); err != nil || !again.Whole {
				t.Errorf("repaired again: %+v, %v", again, err)
			}
		})
	}
}

// copyOf closes an inbox and returns its path.
func copyOf(t *testing.T, i *Inbox, path string) string {
	t.Helper()
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func lines(r *salvage.Report) string {
	var text []string
	for i := range r.Tables {
		text = append(text, r.Tables[i].String())
	}
	return r.Fault + "\n" + strings.Join(text, "\n")
}

func TestRepairLeavesAloneWhatIsWholeOrNoInbox(t *testing.T) {
	path, _ := damagedInbox(t, func(string) error { return nil })
	if r, err := Repair(t.Context(), path, nil); err != nil || !r.Whole {
		t.Errorf("a whole one: %+v, %v", r, err)
	}
	if _, err := Repair(t.Context(), filepath.Join(t.TempDir(), "none.db"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing one: %v", err)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 10_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := Repair(t.Context(), text, nil); err != nil || !r.Lost() || r.Aside == "" {
		t.Errorf("a text: %+v, %v", r, err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*repairing*"))
	if err != nil || len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
}
