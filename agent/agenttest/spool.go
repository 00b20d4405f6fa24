package agenttest

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/report"
)

// Spool keeps segments in memory, without bounds. Several agents may share one, at a time or one after the other, as processes share
// a directory: what one leaves the next delivers.
type Spool struct {
	mu       sync.Mutex
	segments []*segment // by birth
	state    map[string][]byte
	busy     bool
	full     bool
}

type segment struct {
	agent.Segment
	bytes []byte // nil before the first Append
	done  bool
	gone  bool // purged
	spool *Spool
}

var _ agent.Spool = (*Spool)(nil)

// NewSpool returns an empty spool.
func NewSpool() *Spool { return &Spool{state: make(map[string][]byte)} }

// Fill makes the spool take nothing more, with agent.ErrSpoolFull, or lets it take again.
func (s *Spool) Fill(full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = full
}

// Begin implements agent.Spool.
func (s *Spool) Begin(birth time.Time, id report.BatchID, prefix []byte) (agent.SegmentWriter, error) {
	return &writer{
		segment: &segment{Segment: agent.Segment{ID: id, Birth: time.UnixMilli(birth.UnixMilli())}, spool: s},
		prefix:  slices.Clone(prefix),
	}, nil
}

// List implements agent.Spool.
func (s *Spool) List() (list []agent.Segment, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		if g.done {
			list = append(list, g.Segment)
		}
	}
	return list, nil
}

// Read implements agent.Spool.
func (s *Spool) Read(id report.BatchID) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		if g.ID == id && g.done {
			return slices.Clone(g.bytes), nil
		}
	}
	return nil, agent.ErrNoSegment
}

// Remove implements agent.Spool.
func (s *Spool) Remove(id report.BatchID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.segments = slices.DeleteFunc(s.segments, func(g *segment) bool { return g.ID == id && g.done })
	return nil
}

// LockUpload implements agent.Spool.
func (s *Spool) LockUpload() (unlock func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		return nil, agent.ErrSpoolBusy
	}
	s.busy = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.busy = false
	}, nil
}

// TakeDrops implements agent.Spool. A Spool without bounds drops nothing.
func (s *Spool) TakeDrops() []report.Drop { return nil }

// State implements agent.Spool.
func (s *Spool) State(name string, update func(old []byte) []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch fresh := update(s.state[name]); {
	case fresh == nil:
	case len(fresh) == 0:
		delete(s.state, name)
	default:
		s.state[name] = slices.Clone(fresh)
	}
	return s.state[name], nil
}

// Usage implements agent.Spool.
func (s *Spool) Usage() (segments int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		bytes += g.Size
	}
	return len(s.segments), bytes
}

// Purge implements agent.Spool.
func (s *Spool) Purge() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		g.gone = true
	}
	s.segments = nil
	maps.DeleteFunc(s.state, func(name string, _ []byte) bool { return name != agent.StateNotice })
	return nil
}

// Close implements agent.Spool. The contents stay for the next agent.
func (s *Spool) Close() error { return nil }

// writer writes one segment.
type writer struct {
	*segment
	prefix []byte
}

// Append implements agent.SegmentWriter.
func (w *writer) Append(frames []byte) error {
	s := w.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return agent.ErrSpoolFull
	}
	if w.gone {
		return agent.ErrNoSegment
	}
	if w.bytes == nil {
		w.bytes = w.prefix
		s.segments = append(s.segments, w.segment)
	}
	w.bytes = append(w.bytes, frames...)
	w.Size = int64(len(w.bytes))
	return nil
}

// Close implements agent.SegmentWriter.
func (w *writer) Close() error {
	w.spool.mu.Lock()
	defer w.spool.mu.Unlock()
	if w.bytes != nil && !w.done {
		w.bytes = privacy.AppendEnd(w.bytes)
		w.Size, w.done = int64(len(w.bytes)), true
	}
	return nil
}
