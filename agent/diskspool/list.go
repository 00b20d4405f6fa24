package diskspool

import (
	"errors"
	"os"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// List implements [agent.Spool].
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
	s.forgetBirths(files)
	var segments []agent.Segment
	for _, f := range files {
		if f.done && f.size > 0 {
			s.names[f.id] = f.name
			segments = append(segments, agent.Segment{ID: f.id, Birth: f.birth, Size: f.size})
		}
	}
	return segments, nil
}

// needsCare reports whether a segment has expired, has been emptied because it could not be
// deleted, or may have been abandoned.
func (s *Spool) needsCare(files []file) bool {
	for _, f := range files {
		if !f.done && !s.writes(f.id) || f.done && (f.size == 0 || s.expired(f)) {
			return true
		}
	}
	return false
}

// care finishes abandoned segments, deletes emptied ones and drops expired ones.
func (s *Spool) care(root *directory) (files []file, err error) {
	err = s.locked(root, func() error {
		s.recover(root)
		if files, err = scan(root); err != nil {
			return err
		}
		kept := files[:0]
		for _, f := range files {
			switch {
			case f.done && f.size == 0:
				_ = root.Remove(f.name)
			case !f.done || !s.expired(f) || !s.dropFile(root, f, report.DropExpired):
				kept = append(kept, f)
			}
		}
		files = kept
		return nil
	})
	return files, err
}

// forgetBirths removes the births of segments that no longer exist.
func (s *Spool) forgetBirths(files []file) {
	kept := make(map[report.BatchID]time.Time)
	for _, f := range files {
		if birth, ok := s.births[f.id]; ok {
			kept[f.id] = birth
		}
	}
	s.births = kept
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

// released is before the birth of any segment. An earlier time means that the clock was not set, so
// it says nothing about age.
var released = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (s *Spool) expired(f file) bool {
	if birth, ok := s.births[f.id]; ok && birth.After(released) {
		return time.Since(birth) > s.o.MaxAge
	}
	return f.birth.After(released) && time.Since(f.birth) > s.o.MaxAge
}
