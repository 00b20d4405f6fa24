package diskspool

import (
	"errors"
	"io"
	"os"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// readFile reads a segment's file.
func readFile(root *directory, name string) ([]byte, error) {
	f, err := openPlain(root, name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, seal.MaxSegment+1))
}

// Read implements [agent.Spool].
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
	if info, err := seal.ParseSegment(b); err != nil || info.ID != id {
		if removed, err := root.discard(name); err == nil && removed {
			s.drops[report.DropCorrupt]++
		}
		return nil, agent.ErrNoSegment
	}
	return b, nil
}

// Remove implements [agent.Spool].
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
	if _, err := root.discard(name); err != nil {
		return err
	}
	delete(s.names, id)
	return syncDir(root)
}

// find returns the directory and the file of a finished segment, which need not exist any longer.
func (s *Spool) find(id report.BatchID) (*directory, string, error) {
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

// LockUpload implements [agent.Spool].
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
