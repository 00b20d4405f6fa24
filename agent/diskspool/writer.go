package diskspool

import (
	"errors"
	"os"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// writer writes one segment. Its Spool's mu guards it.
type writer struct {
	s      *Spool
	birth  time.Time
	id     report.BatchID
	prefix []byte
	f      *os.File // nil: nothing has been appended yet
	size   int64    // durable bytes
	broken bool     // an Append failed, or it is closed
}

var errBroken = errors.New("segment takes no more")

// Begin implements [agent.Spool].
func (s *Spool) Begin(birth time.Time, id report.BatchID, prefix []byte) (agent.SegmentWriter, error) {
	return &writer{s: s, birth: birth, id: id, prefix: prefix}, nil
}

// Append implements agent.SegmentWriter.
func (w *writer) Append(frames []byte) error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if w.broken {
		return errBroken
	}
	if err := w.append(frames); err != nil {
		w.broken = true
		return err
	}
	return nil
}

func (w *writer) append(frames []byte) error {
	root, err := w.s.open(true)
	if err != nil {
		return err
	}
	fresh := w.f == nil
	if fresh {
		frames = append(append(make([]byte, 0, len(w.prefix)+len(frames)), w.prefix...), frames...)
	}
	err = w.s.locked(root, func() error {
		if err := w.s.makeRoom(root, int64(len(frames)), fresh); err != nil {
			return err
		}
		if err := w.ready(root); err != nil {
			return err
		}
		_, err := w.f.WriteAt(frames, w.size)
		return err
	})
	if err == nil {
		err = w.f.Sync()
	}
	if err == nil && fresh {
		err = syncDir(root)
	}
	if err != nil {
		w.cutBack(root)
		return err
	}
	w.size += int64(len(frames))
	return nil
}

// ready creates and locks the file, or checks that it still exists. It is called with the directory
// locked, so that no process takes the file for an abandoned one before it is locked.
func (w *writer) ready(root *directory) error {
	name := fileName(w.birth, w.id, extOpen)
	if w.f != nil {
		if !isStill(root, name, w.f) || emptied(w.f, w.size) {
			return errBroken
		}
		return nil
	}
	f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := tryLock(f); err != nil {
		_ = f.Close()
		_ = root.Remove(name)
		return err
	}
	w.f = f
	w.s.writers[w] = struct{}{}
	w.s.births[w.id] = w.birth
	return nil
}

// emptied reports whether another process has purged f, of which size bytes are written, but could
// not delete it.
func emptied(f *os.File, size int64) bool {
	info, err := f.Stat()
	return err != nil || info.Size() < size
}

// cutBack removes what a failed append may have left.
func (w *writer) cutBack(root *directory) {
	if w.f == nil {
		return
	}
	if emptied(w.f, w.size) {
		w.abandon()
		return
	}
	if w.size > 0 {
		_ = w.f.Truncate(w.size) // if this fails, List truncates it later
		return
	}
	w.abandon()
	_ = root.Remove(fileName(w.birth, w.id, extOpen))
}

// abandon closes the file as it is. The next List finishes it.
func (w *writer) abandon() {
	if w.f != nil {
		_ = w.f.Close()
		w.f = nil
	}
	w.broken = true
	delete(w.s.writers, w)
}

// Close implements agent.SegmentWriter.
func (w *writer) Close() error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if w.f == nil {
		w.broken = true
		return nil
	}
	defer w.abandon()
	root, err := w.s.open(false)
	if err != nil {
		return err
	}
	return w.s.locked(root, func() error {
		name := fileName(w.birth, w.id, extOpen)
		if !isStill(root, name, w.f) || emptied(w.f, w.size) {
			return agent.ErrNoSegment
		}
		return finish(root, w.f, name, w.size)
	})
}

// finish ends the segment in f after size bytes and renames the file from name to its final name.
// It closes f first, because some systems cannot rename open files. The directory is locked, so no
// process takes the segment for an abandoned one meanwhile.
func finish(root *directory, f *os.File, name string, size int64) error {
	if err := f.Truncate(size); err != nil {
		return err
	}
	if _, err := f.WriteAt(seal.AppendEnd(nil), size); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	_ = f.Close()
	return rename(root, name)
}

// rename gives a whole segment its final name.
func rename(root *directory, name string) error {
	if err := root.Rename(name, name[:len(name)-len(extOpen)]+extDone); err != nil {
		return err
	}
	return syncDir(root)
}
