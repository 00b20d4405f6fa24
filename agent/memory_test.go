package agent_test

import (
	"maps"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/report"
)

// memory is a place that the spools of several agents share, as processes share a directory, and
// whose disk can fail.
type memory struct {
	kept *agenttest.Spool

	mu     sync.Mutex
	names  map[string]bool // of the state that was ever stored
	writes int             // calls that would have touched a disk
	fail   error           // of every write
	stuck  error           // of Remove
}

func newMemory() *memory {
	// The years of some tests are no reason to drop anything.
	return &memory{kept: agenttest.NewBoundedSpool(agenttest.Bounds{MaxAge: 100 * 365 * 24 * time.Hour}), names: make(map[string]bool)}
}

// spool is one agent's.
func (m *memory) spool() *memSpool { return &memSpool{m.kept, m} }

func (m *memory) setFail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// write counts a write, unless it fails.
func (m *memory) write() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == nil {
		m.writes++
	}
	return m.fail
}

func (m *memory) written() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes
}

// vanish deletes everything behind the agents' backs.
func (m *memory) vanish() { _ = m.kept.Purge() }

// blobs is the state that is kept now.
func (m *memory) blobs() map[string][]byte {
	m.mu.Lock()
	names := maps.Clone(m.names)
	m.mu.Unlock()
	kept := make(map[string][]byte)
	for name := range names {
		if b, _ := m.kept.State(name, func([]byte) []byte { return nil }); len(b) > 0 {
			kept[name] = b
		}
	}
	return kept
}

// set puts a blob there behind the agents' backs.
func (m *memory) set(name string, blob []byte) {
	_, _ = m.kept.State(name, func([]byte) []byte { return blob })
}

func segments(m *memory) int {
	n, _ := m.kept.Usage()
	return n
}

// memSpool is one agent's agent.Spool on a memory.
type memSpool struct {
	*agenttest.Spool
	on *memory
}

func (s *memSpool) Begin(birth time.Time, id report.BatchID, prefix []byte) (agent.SegmentWriter, error) {
	w, err := s.Spool.Begin(birth, id, prefix)
	return &memWriter{w, s.on}, err
}

func (s *memSpool) Remove(id report.BatchID) error {
	s.on.mu.Lock()
	stuck := s.on.stuck
	s.on.mu.Unlock()
	if stuck != nil {
		return stuck
	}
	return s.Spool.Remove(id)
}

func (s *memSpool) State(name string, update func([]byte) []byte) ([]byte, error) {
	var failed error
	b, err := s.Spool.State(name, func(old []byte) []byte {
		fresh := update(old)
		if fresh == nil {
			return nil
		}
		if failed = s.on.write(); failed != nil {
			return nil
		}
		s.on.mu.Lock()
		s.on.names[name] = true
		s.on.mu.Unlock()
		return fresh
	})
	if failed != nil {
		return b, failed
	}
	return b, err
}

func (s *memSpool) Purge() error {
	s.on.mu.Lock()
	fail := s.on.fail
	s.on.mu.Unlock()
	if fail != nil {
		return fail
	}
	return s.Spool.Purge()
}

// Close ends one agent's use, which is no matter of the others'.
func (s *memSpool) Close() error { return nil }

type memWriter struct {
	agent.SegmentWriter
	on *memory
}

func (w *memWriter) Append(frames []byte) error {
	if err := w.on.write(); err != nil {
		return err
	}
	return w.SegmentWriter.Append(frames)
}
