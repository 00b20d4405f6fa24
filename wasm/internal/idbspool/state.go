package idbspool

import (
	"errors"

	"github.com/heliograph-net/heliograph/agent"
)

// State implements agent.Spool. A blob that is too large counts as absent.
func (s *Spool) State(name string, update func(old []byte) []byte) ([]byte, error) {
	if !agent.ValidState(name) {
		return nil, agent.ErrStateName
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var old, blob []byte
	err := s.read(func(t transaction) (err error) {
		old, err = t.state(name)
		return err
	})
	absent := errors.Is(err, errAbsent)
	if err != nil && !absent {
		return nil, err
	}
	if fresh := update(old); fresh == nil || absent && len(fresh) == 0 {
		return old, nil // reading does not create a database, and most calls only read
	}
	err = s.write(true, func(t transaction) (err error) {
		blob, err = changeState(t, name, update)
		return err
	})
	if err != nil {
		return old, err
	}
	return blob, nil
}

func changeState(t transaction, name string, update func(old []byte) []byte) ([]byte, error) {
	old, err := t.state(name)
	if err != nil {
		return nil, err
	}
	fresh := update(old)
	switch {
	case fresh == nil:
		return old, nil
	case len(fresh) > agent.MaxState:
		return old, agent.ErrStateSize
	case len(fresh) == 0:
		t.deleteState(name)
		return nil, nil
	default:
		t.putState(name, fresh)
		return fresh, nil
	}
}
