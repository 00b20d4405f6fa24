package agent

import (
	"errors"
	"slices"

	"github.com/heliograph-net/heliograph/report"
)

// List implements Spool. If the disk fails, it returns the segments in memory with the error.
func (s *shelter) List() ([]Segment, error) {
	list, err := s.Spool.List()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.kept {
		if g.done {
			list = append(list, g.Segment)
		}
	}
	slices.SortStableFunc(list, func(x, y Segment) int { return x.Birth.Compare(y.Birth) })
	return list, err
}

// deliverable returns the segments of list that may be uploaded after LockUpload.
func (s *shelter) deliverable(list []Segment) []Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.alone {
		return list
	}
	return slices.DeleteFunc(list, func(seg Segment) bool { return !s.has(seg.ID) })
}

// has reports whether a segment is in memory. The caller holds mu.
func (s *shelter) has(id report.BatchID) bool {
	return slices.ContainsFunc(s.kept, func(g *sheltered) bool { return g.ID == id })
}

// Read implements Spool.
func (s *shelter) Read(id report.BatchID) ([]byte, error) {
	s.mu.Lock()
	for _, g := range s.kept {
		if g.ID == id && g.done {
			s.mu.Unlock()
			return g.bytes(), nil // it no longer changes
		}
	}
	s.mu.Unlock()
	return s.Spool.Read(id)
}

// Remove implements Spool.
func (s *shelter) Remove(id report.BatchID) error {
	if s.forget(id) {
		return nil
	}
	return s.Spool.Remove(id)
}

// LockUpload implements Spool. If the disk cannot be locked, only this agent's segments in memory
// may be uploaded, and no other agent has them.
func (s *shelter) LockUpload() (unlock func(), err error) {
	unlock, err = s.Spool.LockUpload()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alone = err != nil && !errors.Is(err, ErrSpoolBusy) && len(s.kept) > 0
	if s.alone {
		return func() {}, nil
	}
	return unlock, err
}

// TakeDrops implements Spool.
func (s *shelter) TakeDrops() []report.Drop {
	drops := s.Spool.TakeDrops()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drops > 0 {
		drops = append(drops, report.Drop{Reason: report.DropWriteFailed, Count: s.drops})
		s.drops = 0
	}
	return drops
}

// Usage implements Spool.
func (s *shelter) Usage() (segments int, bytes int64) {
	segments, bytes = s.Spool.Usage()
	s.mu.Lock()
	defer s.mu.Unlock()
	return segments + len(s.kept), bytes + s.size()
}

// Purge implements Spool.
func (s *shelter) Purge() error {
	s.mu.Lock()
	for _, g := range s.kept {
		g.purged = true
	}
	s.kept, s.sent, s.drops, s.gone = nil, nil, 0, 0
	s.mu.Unlock()
	return s.Spool.Purge()
}

// unstored returns the segments that will be lost with the process, the number of those already
// dropped, and the reason.
func (s *shelter) unstored() (waiting []report.BatchID, lost int, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.kept {
		waiting = append(waiting, g.ID)
	}
	return waiting, s.gone, s.cause
}

// noteSent stores an entry of the log that the disk could not take.
func (s *shelter) noteSent(r *SentReport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sent) < maxSentInShelter {
		s.sent = append(s.sent, *r)
	}
}

// sentHere returns the entries that the disk could not take.
func (s *shelter) sentHere() []SentReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}
