package agent

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// shelter is a Spool that holds in memory the sealed segments that another Spool cannot store:
// because the disk is full, the file system is read-only, or the directory belongs to another user.
// They are delivered like the others while the process runs, and move to the disk once that works.
type shelter struct {
	Spool
	failed func(id report.BatchID, err error) // called for each segment that could not be stored

	mu    sync.Mutex
	kept  []*sheltered // the oldest first
	drops uint64       // records dropped because memory is full, until TakeDrops
	gone  int          // segments dropped because memory is full
	cause error        // the latest error of the disk
	alone bool         // the disk cannot be locked, so only segments in memory may be uploaded
	sent  []SentReport // entries that the log on disk could not take
}

// The limits of the segments in memory.
const (
	maxShelter       = 1 << 20 // bytes
	maxSheltered     = 64      // segments
	maxSentInShelter = 100
)

// sheltered is a segment in memory. The shelter's mu guards it.
type sheltered struct {
	Segment
	prefix []byte
	frames []byte // without prefix and end mark
	done   bool
	purged bool
}

func (g *sheltered) bytes() []byte {
	return seal.AppendEnd(slices.Concat(g.prefix, g.frames))
}

// shelterWriter writes one segment to the disk, or to memory if the disk cannot store its first
// frames. The spooler's lock guards it.
type shelterWriter struct {
	s      *shelter
	disk   SegmentWriter // nil: there is none
	err    error         // why there is none
	begun  bool          // some of it is on disk
	memory *sheltered    // nil: none of it is in memory
}

// Begin implements Spool.
func (s *shelter) Begin(birth time.Time, id report.BatchID, prefix []byte) (SegmentWriter, error) {
	w := &shelterWriter{s: s}
	w.disk, w.err = s.Spool.Begin(birth, id, prefix)
	if w.err != nil {
		w.disk = nil
	}
	return &shelterSegment{w, sheltered{Segment: Segment{ID: id, Birth: birth}, prefix: slices.Clone(prefix)}}, nil
}

// shelterSegment is a writer with what it needs to switch to memory.
type shelterSegment struct {
	*shelterWriter
	blank sheltered
}

// Append implements SegmentWriter.
func (w *shelterSegment) Append(frames []byte) error {
	if w.memory == nil {
		err := w.err
		if w.disk != nil {
			err = w.disk.Append(frames)
		}
		if err == nil {
			w.begun = true
			return nil
		}
		// the limits of a full spool must not be circumvented
		if w.begun || errors.Is(err, ErrSpoolFull) || errors.Is(err, ErrNoSegment) {
			return err
		}
		w.err = err
	}
	return w.s.keep(w, frames)
}

// keep appends frames to the segment in memory.
func (s *shelter) keep(w *shelterSegment, frames []byte) error {
	fresh := w.memory == nil
	s.mu.Lock()
	s.cause = w.err
	if fresh {
		w.memory = &w.blank
	}
	if w.memory.purged || !s.makeRoom(len(frames)+len(w.memory.prefix)) {
		s.mu.Unlock()
		return w.err
	}
	if fresh {
		s.kept = append(s.kept, w.memory)
	}
	w.memory.frames = append(w.memory.frames, frames...)
	w.memory.Size = int64(len(w.memory.bytes()))
	s.mu.Unlock()
	if fresh {
		s.failed(w.memory.ID, w.err)
	}
	return nil
}

// makeRoom drops the oldest segments until there is room for n more bytes. The caller holds mu.
func (s *shelter) makeRoom(n int) bool {
	for i := 0; ; {
		if s.size()+int64(n) <= maxShelter && len(s.kept) < maxSheltered {
			return true
		}
		for i < len(s.kept) && !s.kept[i].done {
			i++
		}
		if i == len(s.kept) {
			return false
		}
		info, _ := seal.ParseSegment(s.kept[i].bytes())
		s.drops += uint64(max(info.Frames-1, 1)) // without its header
		s.gone++
		s.kept = slices.Delete(s.kept, i, i+1)
	}
}

func (s *shelter) size() (n int64) {
	for _, g := range s.kept {
		n += g.Size
	}
	return n
}

// Close implements SegmentWriter.
func (w *shelterSegment) Close() error {
	var err error
	if w.disk != nil {
		err = w.disk.Close()
	}
	if w.memory == nil {
		return err
	}
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.memory.done = true
	return nil
}

// rescue moves segments to the disk if that works now.
func (s *shelter) rescue() {
	for {
		g := s.oldest()
		if g == nil {
			return
		}
		w, err := s.Spool.Begin(g.Birth, g.ID, g.prefix)
		if err == nil {
			err = w.Append(g.frames)
			if closeErr := w.Close(); err == nil {
				err = closeErr
			}
		}
		if err != nil {
			return
		}
		s.forget(g.ID)
	}
}

// oldest returns the oldest finished segment in memory, nil if there is none.
func (s *shelter) oldest() *sheltered {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.kept {
		if g.done {
			return g
		}
	}
	return nil
}

// forget deletes a segment from memory and reports whether it was there.
func (s *shelter) forget(id report.BatchID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.kept)
	s.kept = slices.DeleteFunc(s.kept, func(g *sheltered) bool { return g.ID == id })
	return len(s.kept) < n
}
