package diskspool

import (
	"errors"
	"io"
	"os"

	"github.com/heliograph-net/heliograph/agent"
)

// State implements [agent.Spool]. A blob that cannot be read, or is too large, counts as absent.
func (s *Spool) State(name string, update func(old []byte) []byte) ([]byte, error) {
	if !agent.ValidState(name) {
		return nil, agent.ErrStateName
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	root, err := s.open(false)
	if errors.Is(err, os.ErrNotExist) {
		if update(nil) == nil {
			return nil, nil // reading does not create the directory
		}
		root, err = s.open(true)
	}
	if err != nil {
		return nil, err
	}
	if _, err := root.Lstat(name + extState); errors.Is(err, os.ErrNotExist) && update(nil) == nil {
		return nil, nil
	}
	var blob []byte
	err = s.locked(root, func() error {
		blob = readState(root, name+extState)
		fresh := update(blob)
		if fresh == nil {
			return nil
		}
		if len(fresh) == 0 {
			blob = nil
			return removeState(root, name+extState)
		}
		if err := writeState(root, name+extState, fresh); err != nil {
			return err
		}
		blob = fresh
		return nil
	})
	return blob, err
}

func removeState(root *directory, name string) error {
	removed, err := root.discard(name)
	if err != nil || !removed {
		return err
	}
	return syncDir(root)
}

func readState(root *directory, name string) []byte {
	f, err := openPlain(root, name, os.O_RDONLY)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, agent.MaxState+1))
	if err != nil || len(b) == 0 || len(b) > agent.MaxState {
		return nil
	}
	return b
}

// writeState replaces a blob atomically: after a crash, either the whole old one or the whole new
// one is there.
func writeState(root *directory, name string, b []byte) error {
	if len(b) > agent.MaxState {
		return agent.ErrStateSize
	}
	// the file may be left from a process that died, or planted; the directory is locked
	err := root.insist(func() error { return root.Remove(name + extTemp) })
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	// O_EXCL does not follow links
	f, err := root.OpenFile(name+extTemp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = root.Rename(name+extTemp, name)
	}
	if err != nil {
		_ = root.Remove(name + extTemp)
		return err
	}
	return syncDir(root)
}
