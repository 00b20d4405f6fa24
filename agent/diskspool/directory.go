package diskspool

import (
	"errors"
	"os"
	"runtime"
	"time"
)

// directory is the spool's directory. Its methods rename and delete files although some systems
// refuse that for a moment: Windows, and network file systems, while any program has the file open.
// Such programs are virus scanners, indexers and backups, which open what was just written.
type directory struct {
	*os.Root

	// fails makes a test's renaming ("rename"), deletion ("remove") or emptying ("empty") of a file
	// fail; nil: none does
	fails func(operation, name string) error

	// until ends the patience of everything that is done under one lock; zero: each operation has
	// its own. The Spool's mu guards it.
	until time.Time
}

// patience is how long an operation that the system refuses is tried again. It is shorter than
// lockPatience, because the directory is locked meanwhile.
const patience = 2 * time.Second

// insist calls f until it does what it is called for, the system refuses it for another reason than
// that a file is open, or patience is over.
func (d *directory) insist(f func() error) error {
	deadline := d.until
	if deadline.IsZero() {
		deadline = time.Now().Add(patience)
	}
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := f()
		if !refused(err) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(pause)
	}
}

// Remove deletes a file. It does not try again.
func (d *directory) Remove(name string) error {
	if d.fails != nil {
		if err := d.fails("remove", name); err != nil {
			return err
		}
	}
	return d.Root.Remove(name)
}

// Rename renames a file, and replaces the one that has the name. It tries again while the
// system refuses.
func (d *directory) Rename(from, to string) error {
	return d.insist(func() error {
		if d.fails != nil {
			if err := d.fails("rename", from); err != nil {
				return err
			}
		}
		return d.Root.Rename(from, to)
	})
}

// discard deletes a file and reports whether it was there. If the system refuses that, it empties
// the file, so that its contents are gone all the same: care deletes empty segments later. Only if
// that fails, too, it tries again.
func (d *directory) discard(name string) (was bool, err error) {
	err = d.insist(func() error {
		err := d.Remove(name)
		if refused(err) && d.empty(name) == nil {
			return nil
		}
		return err
	})
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// discardAll deletes files. What the system refuses to delete is emptied at once, and then tried
// again. The error says what is still there. Windows may say that a file is deleted and keep it
// until all who have it open close it, so there files are emptied first.
func (d *directory) discardAll(names []string) error {
	for _, name := range names {
		if runtime.GOOS == "windows" || refused(d.Remove(name)) {
			_ = d.empty(name)
		}
	}
	return d.insist(func() error {
		var faults []error
		for _, name := range names {
			if err := d.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
				faults = append(faults, err)
			}
		}
		return errors.Join(faults...)
	})
}

// empty truncates a file to nothing.
func (d *directory) empty(name string) error {
	if d.fails != nil {
		if err := d.fails("empty", name); err != nil {
			return err
		}
	}
	f, err := openPlain(d, name, os.O_WRONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(0); err != nil {
		return err
	}
	return f.Sync()
}
