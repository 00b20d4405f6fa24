package diskspool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

const (
	extOpen  = ".open"
	extDone  = ".seg"
	extState = ".state"
	extTemp  = ".tmp"

	// of a file that says who holds a lock, where the system has no locks that end with a process
	extHolder = ".holder"

	lockDir    = "dir.lock"
	lockUpload = "upload.lock"
)

// open returns the directory. It creates the directory if create is set, and opens it again if it
// was deleted or replaced since the last time. The caller holds mu.
func (s *Spool) open(create bool) (*directory, error) {
	now, err := os.Stat(s.dir)
	if s.root != nil {
		if then, statErr := s.root.Stat("."); err == nil && statErr == nil && os.SameFile(then, now) {
			return s.root, nil
		}
		_ = s.root.Close()
		s.root = nil
	}
	if errors.Is(err, os.ErrNotExist) && create {
		if err = os.MkdirAll(s.dir, 0o700); err == nil {
			err = syncPath(filepath.Dir(s.dir))
		}
	}
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, err
	}
	s.root = &directory{Root: root, fails: s.fails}
	if err := keepOthersOut(s.root, s.dir); err != nil {
		_ = root.Close()
		s.root = nil
		return nil, err
	}
	return s.root, nil
}

// lockPatience is how long an operation waits for those of other processes. Each needs only a few
// writes, but a busy disk can take a second for each write, and an operation that gives up
// loses its data.
const lockPatience = 10 * time.Second

var errLockBusy = errors.New("directory is locked by another process")

// locked calls f while no other process and no other Spool changes the directory. The
// caller holds mu.
func (s *Spool) locked(root *directory, f func() error) error {
	for deadline := time.Now().Add(lockPatience); ; time.Sleep(time.Millisecond) {
		lock, err := tryLockFile(root, lockDir)
		if err == nil {
			defer lock.Close()
			// many files may be refused, and others wait for the lock
			root.until = time.Now().Add(patience)
			defer func() { root.until = time.Time{} }()
			return f()
		}
		if !errors.Is(err, errLockBusy) || time.Now().After(deadline) {
			return err
		}
	}
}

// tryLockFile creates and locks the file with that name. Closing it releases the lock. The error is
// errLockBusy if the file is already locked.
func tryLockFile(root *directory, name string) (*os.File, error) {
	f, err := openPlain(root, name, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	if err := tryLock(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	// Purge deleted the file after it was opened, so a lock on it has no effect
	if !isStill(root, name, f) {
		_ = f.Close()
		return nil, errLockBusy
	}
	return f, nil
}

// isStill reports whether name still refers to f.
func isStill(root *directory, name string, f *os.File) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := root.Lstat(name)
	return err == nil && os.SameFile(a, b)
}

// file is a segment's file.
type file struct {
	name  string
	birth time.Time
	id    report.BatchID
	size  int64
	done  bool
}

func fileName(birth time.Time, id report.BatchID, ext string) string {
	ms := strconv.FormatInt(max(birth.UnixMilli(), 0), 10)
	return strings.Repeat("0", max(16-len(ms), 0)) + ms + "-" + id.String() + ext
}

func parseName(name string) (file, bool) {
	base, done := strings.CutSuffix(name, extDone)
	if !done {
		var isOpen bool
		if base, isOpen = strings.CutSuffix(name, extOpen); !isOpen {
			return file{}, false
		}
	}
	birth, id, ok := strings.Cut(base, "-")
	ms, err := strconv.ParseInt(birth, 10, 64)
	if !ok || err != nil {
		return file{}, false
	}
	f := file{name: name, birth: time.UnixMilli(ms), done: done}
	if f.id, err = report.ParseBatchID(id); err != nil {
		return file{}, false
	}
	return f, fileName(f.birth, f.id, filepath.Ext(name)) == name
}

// entries lists the regular files of the directory.
func entries(root *directory) ([]fs.DirEntry, error) {
	d, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	all, err := d.ReadDir(-1)
	return slices.DeleteFunc(all, func(e fs.DirEntry) bool { return !e.Type().IsRegular() }), err
}

// scan lists the segments, oldest first.
func scan(root *directory) ([]file, error) {
	all, err := entries(root)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, e := range all {
		f, ok := parseName(e.Name())
		if !ok {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // deleted meanwhile
		}
		f.size = info.Size()
		files = append(files, f)
	}
	slices.SortFunc(files, func(x, y file) int { return strings.Compare(x.name, y.name) })
	return files, nil
}

// endSize is the length of seal.AppendEnd's mark.
const endSize = 4

// total returns the size of the segments, including the end marks that unfinished ones will have.
func total(files []file) (bytes int64) {
	for _, f := range files {
		bytes += f.size
		if !f.done {
			bytes += endSize
		}
	}
	return bytes
}

// ours lists all files in the directory that a spool has created.
func ours(root *directory) ([]string, error) {
	all, err := entries(root)
	var names []string
	for _, e := range all {
		name := strings.TrimSuffix(e.Name(), extHolder)
		_, isSegment := parseName(name)
		state, isState := strings.CutSuffix(strings.TrimSuffix(name, extTemp), extState)
		if isSegment || (isState && agent.ValidState(state)) || name == lockDir || name == lockUpload {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// purged lists the files that Purge deletes.
func purged(root *directory) ([]string, error) {
	names, err := ours(root)
	return slices.DeleteFunc(names, func(name string) bool { return name == agent.StateNotice+extState }), err
}
