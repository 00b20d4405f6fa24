package agenttest

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// Bounds are the limits of a spool.
type Bounds struct {
	MaxBytes    int64         // total size of all segments; 0: 8 MiB
	MaxSegments int           // 0: 1024
	MaxAge      time.Duration // since a segment's birth; 0: 7 days
}

// Spool is an [agent.Spool] in memory. Several agents may share one, concurrently or one after the
// other, as processes share a directory. An agent delivers what an earlier one has left.
type Spool struct {
	mu       sync.Mutex
	bounds   Bounds
	segments []*segment // oldest first
	state    map[string][]byte
	drops    map[string]uint64
	busy     bool
	full     bool
}

type segment struct {
	agent.Segment
	bytes     []byte // nil before the first Append
	done      bool
	gone      bool // purged
	abandoned bool // its writer has failed, or was closed with its Spool
	spool     *Spool
}

var _ agent.Spool = (*Spool)(nil)

// NewSpool returns an empty spool with the default limits of agent/diskspool.
func NewSpool() *Spool { return NewBoundedSpool(Bounds{}) }

// NewBoundedSpool returns an empty spool.
func NewBoundedSpool(b Bounds) *Spool {
	if b.MaxBytes == 0 {
		b.MaxBytes = 8 << 20
	}
	if b.MaxSegments == 0 {
		b.MaxSegments = 1024
	}
	if b.MaxAge == 0 {
		b.MaxAge = 7 * 24 * time.Hour
	}
	return &Spool{bounds: b, state: make(map[string][]byte), drops: make(map[string]uint64)}
}

// Fill makes the spool refuse everything with [agent.ErrSpoolFull], or accept it again.
func (s *Spool) Fill(full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = full
}

// Begin implements [agent.Spool].
func (s *Spool) Begin(birth time.Time, id report.BatchID, prefix []byte) (agent.SegmentWriter, error) {
	return &writer{
		segment: &segment{Segment: agent.Segment{ID: id, Birth: time.UnixMilli(birth.UnixMilli())}, spool: s},
		prefix:  slices.Clone(prefix),
	}, nil
}

// List implements [agent.Spool].
func (s *Spool) List() (list []agent.Segment, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range slices.Clone(s.segments) {
		if g.abandoned {
			g.finish()
		}
		switch {
		case !g.done:
		case time.Since(g.Birth) > s.bounds.MaxAge:
			s.drop(g, report.DropExpired)
		default:
			list = append(list, g.Segment)
		}
	}
	return list, nil
}

// drop deletes a finished segment and counts its records as dropped. The caller holds mu.
func (s *Spool) drop(g *segment, reason string) {
	info, _ := seal.ParseSegment(g.bytes)
	s.drops[reason] += uint64(max(info.Frames-1, 1)) // without its header
	s.delete(g.ID)
}

func (s *Spool) delete(id report.BatchID) {
	s.segments = slices.DeleteFunc(s.segments, func(g *segment) bool { return g.ID == id && g.done })
}

// Read implements [agent.Spool].
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

// Remove implements [agent.Spool].
func (s *Spool) Remove(id report.BatchID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delete(id)
	return nil
}

// LockUpload implements [agent.Spool].
func (s *Spool) LockUpload() (unlock func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		return nil, agent.ErrSpoolBusy
	}
	s.busy = true
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.busy = false
	}), nil
}

// TakeDrops implements [agent.Spool].
func (s *Spool) TakeDrops() (drops []report.Drop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, reason := range slices.Sorted(maps.Keys(s.drops)) {
		drops = append(drops, report.Drop{Reason: reason, Count: s.drops[reason]})
	}
	clear(s.drops)
	return drops
}

// State implements [agent.Spool].
func (s *Spool) State(name string, update func(old []byte) []byte) ([]byte, error) {
	if !agent.ValidState(name) {
		return nil, agent.ErrStateName
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch fresh := update(slices.Clone(s.state[name])); {
	case fresh == nil:
	case len(fresh) == 0:
		delete(s.state, name)
	case len(fresh) > agent.MaxState:
		return slices.Clone(s.state[name]), agent.ErrStateSize
	default:
		s.state[name] = slices.Clone(fresh)
	}
	return slices.Clone(s.state[name]), nil
}

// Usage implements [agent.Spool].
func (s *Spool) Usage() (segments int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.segments), s.size()
}

func (s *Spool) size() (bytes int64) {
	for _, g := range s.segments {
		bytes += g.Size
	}
	return bytes
}

// Purge implements [agent.Spool].
func (s *Spool) Purge() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		g.gone = true
	}
	s.segments = nil
	clear(s.drops)
	maps.DeleteFunc(s.state, func(name string, _ []byte) bool { return name != agent.StateNotice })
	return nil
}

// Close implements [agent.Spool]. The segments stay for the next agent.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		g.abandoned = !g.done
	}
	return nil
}

// writer writes one segment. Its Spool's mu guards it.
type writer struct {
	*segment
	prefix []byte
}

// Append implements agent.SegmentWriter.
func (w *writer) Append(frames []byte) error {
	s := w.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.gone || w.done || w.abandoned {
		return agent.ErrNoSegment
	}
	fresh := w.bytes == nil
	size := int64(len(frames))
	if fresh {
		size += int64(len(w.prefix) + len(seal.AppendEnd(nil)))
	}
	if s.full || !s.makeRoom(size, fresh) {
		w.abandoned = !fresh
		w.gone = fresh
		return agent.ErrSpoolFull
	}
	if fresh {
		w.bytes = w.prefix
		i, _ := slices.BinarySearchFunc(s.segments, w.segment, func(g, w *segment) int {
			if c := g.Birth.Compare(w.Birth); c != 0 {
				return c
			}
			return slices.Compare(g.ID[:], w.ID[:])
		})
		s.segments = slices.Insert(s.segments, i, w.segment)
	}
	w.bytes = append(w.bytes, frames...)
	w.Size = int64(len(w.bytes))
	return nil
}

// makeRoom drops the oldest finished segments until size more bytes, in one more segment if fresh,
// stay within bounds. The caller holds mu.
func (s *Spool) makeRoom(size int64, fresh bool) bool {
	more := 0
	if fresh {
		more = 1
	}
	for _, g := range slices.Clone(s.segments) {
		if s.size()+size <= s.bounds.MaxBytes && len(s.segments)+more <= s.bounds.MaxSegments {
			return true
		}
		if g.abandoned {
			g.finish()
		}
		if g.done {
			s.drop(g, report.DropSpoolFull)
		}
	}
	return s.size()+size <= s.bounds.MaxBytes && len(s.segments)+more <= s.bounds.MaxSegments
}

// finish makes g a finished segment. The caller holds the spool's mu.
func (g *segment) finish() {
	if g.bytes == nil || g.done || g.gone {
		return
	}
	g.bytes = seal.AppendEnd(g.bytes)
	g.Size, g.done, g.abandoned = int64(len(g.bytes)), true, false
}

// Close implements agent.SegmentWriter.
func (w *writer) Close() error {
	w.spool.mu.Lock()
	defer w.spool.mu.Unlock()
	w.finish()
	return nil
}
