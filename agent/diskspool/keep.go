package diskspool

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/report"
)

// List implements agent.Spool.
func (s *Spool) List() ([]agent.Segment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	root, err := s.open(false)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	files, err := scan(root)
	if err != nil {
		return nil, err
	}
	if s.needsCare(files) {
		if files, err = s.care(root); err != nil {
			return nil, err
		}
	}
	clear(s.names)
	var segments []agent.Segment
	for _, f := range files {
		if f.done {
			s.names[f.id] = f.name
			segments = append(segments, agent.Segment{ID: f.id, Birth: f.birth, Size: f.size})
		}
	}
	return segments, nil
}

// needsCare reports whether something has expired or may have been abandoned.
func (s *Spool) needsCare(files []file) bool {
	for _, f := range files {
		if !f.done && !s.writes(f.id) || f.done && s.expired(f) {
			return true
		}
	}
	return false
}

// care finishes what was abandoned and drops what has expired.
func (s *Spool) care(root *os.Root) (files []file, err error) {
	err = s.locked(root, func() error {
		s.recover(root)
		if files, err = scan(root); err != nil {
			return err
		}
		kept := files[:0]
		for _, f := range files {
			if !f.done || !s.expired(f) || !s.dropFile(root, f, report.DropExpired) {
				kept = append(kept, f)
			}
		}
		files = kept
		return nil
	})
	return files, err
}

// writes reports whether this Spool has a writer for id.
func (s *Spool) writes(id report.BatchID) bool {
	for w := range s.writers {
		if w.id == id {
			return true
		}
	}
	return false
}

// released is before any segment was born: a clock that says less was not set, and says nothing about age.
var released = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (s *Spool) expired(f file) bool {
	return f.birth.After(released) && time.Since(f.birth) > s.o.MaxAge
}

// recover finishes the segments of writers that are no more. The directory is locked.
func (s *Spool) recover(root *os.Root) {
	files, _ := scan(root)
	for _, f := range files {
		if !f.done && !s.writes(f.id) {
			s.recoverFile(root, f)
		}
	}
}

func (s *Spool) recoverFile(root *os.Root, f file) {
	h, err := root.OpenFile(f.name, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer h.Close()
	if tryLock(h) != nil {
		return // its writer lives
	}
	b, err := io.ReadAll(io.LimitReader(h, privacy.MaxSegment+1))
	if err != nil {
		return
	}
	if info, err := privacy.ParseSegment(b); err == nil && info.ID == f.id { // died between end mark and renaming
		_ = h.Close()
		_ = rename(root, f.name)
		return
	}
	n, err := privacy.WholeFrames(b)
	if err != nil {
		if _, removeErr := removeFile(root, f.name); removeErr == nil && len(b) > 0 {
			s.drops[report.DropCorrupt]++
		}
		return
	}
	if finish(root, h, f.name, int64(n)) == nil && lostTail(b[n:]) {
		s.drops[report.DropCorrupt]++
	}
}

// lostTail reports whether what follows the whole frames is more than a part of the end mark.
func lostTail(tail []byte) bool {
	for _, c := range tail {
		if c != 0 {
			return true
		}
	}
	return len(tail) > endSize
}

// makeRoom drops the oldest finished segments until size more bytes, and one more file if fresh, stay within bounds. The directory is
// locked.
func (s *Spool) makeRoom(root *os.Root, size int64, fresh bool) error {
	files, err := scan(root)
	if err != nil {
		return err
	}
	count := 0
	if fresh {
		count, size = 1, size+endSize
	}
	fits := func() bool { return total(files)+size <= s.o.MaxBytes && len(files)+count <= s.o.MaxSegments }
	if fits() {
		return nil
	}
	s.recover(root)
	if files, err = scan(root); err != nil {
		return err
	}
	for i := 0; i < len(files) && !fits(); {
		if files[i].done && s.dropFile(root, files[i], report.DropSpoolFull) {
			files = append(files[:i], files[i+1:]...)
		} else {
			i++
		}
	}
	if !fits() {
		return agent.ErrSpoolFull
	}
	return nil
}

// dropFile deletes a finished segment and counts its records as lost. It reports false if it cannot be deleted.
func (s *Spool) dropFile(root *os.Root, f file, reason string) bool {
	records := uint64(1)
	if b, err := readFile(root, f.name); err == nil {
		if info, err := privacy.ParseSegment(b); err == nil {
			records = uint64(max(info.Frames-1, 1)) // its header aside
		}
	}
	removed, err := removeFile(root, f.name)
	if err == nil && removed {
		s.drops[reason] += records
	}
	return err == nil
}

// removeFile deletes a file and reports whether it was there.
func removeFile(root *os.Root, name string) (removed bool, err error) {
	err = root.Remove(name)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// readFile reads a segment's file.
func readFile(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, privacy.MaxSegment+1))
}

// Read implements agent.Spool.
func (s *Spool) Read(id report.BatchID) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	root, name, err := s.find(id)
	if err != nil {
		return nil, err
	}
	b, err := readFile(root, name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, agent.ErrNoSegment
	}
	if err != nil {
		return nil, err
	}
	if info, err := privacy.ParseSegment(b); err != nil || info.ID != id {
		if removed, err := removeFile(root, name); err == nil && removed {
			s.drops[report.DropCorrupt]++
		}
		return nil, agent.ErrNoSegment
	}
	return b, nil
}

// Remove implements agent.Spool.
func (s *Spool) Remove(id report.BatchID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	root, name, err := s.find(id)
	if errors.Is(err, agent.ErrNoSegment) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := removeFile(root, name); err != nil {
		return err
	}
	delete(s.names, id)
	return syncDir(root)
}

// find returns the directory and the file of a finished segment, which need not exist any longer.
func (s *Spool) find(id report.BatchID) (*os.Root, string, error) {
	root, err := s.open(false)
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", agent.ErrNoSegment
	}
	if err != nil {
		return nil, "", err
	}
	if name, ok := s.names[id]; ok {
		return root, name, nil
	}
	files, err := scan(root)
	if err != nil {
		return nil, "", err
	}
	for _, f := range files {
		if f.done && f.id == id {
			return root, f.name, nil
		}
	}
	return nil, "", agent.ErrNoSegment
}

// LockUpload implements agent.Spool.
func (s *Spool) LockUpload() (unlock func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	root, err := s.open(false)
	if errors.Is(err, os.ErrNotExist) {
		return func() {}, nil // nothing to upload
	}
	if err != nil {
		return nil, err
	}
	lock, err := tryLockFile(root, lockUpload)
	if errors.Is(err, errLockBusy) {
		return nil, agent.ErrSpoolBusy
	}
	if err != nil {
		return nil, err
	}
	return func() { _ = lock.Close() }, nil
}
