package idbspool

import (
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// rows lists all segments. The caller holds mu.
func (s *Spool) rows() (rows []row, err error) {
	err = s.read(func(t transaction) error {
		rows, err = readRows(t)
		return err
	})
	if errors.Is(err, errAbsent) {
		return nil, nil
	}
	return rows, err
}

// List implements agent.Spool.
func (s *Spool) List() ([]agent.Segment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows, err := s.rows()
	if err != nil {
		return nil, err
	}
	if s.needsCare(rows, time.Now()) {
		if rows, err = s.care(); err != nil {
			return nil, err
		}
	}
	var segments []agent.Segment
	for _, r := range rows {
		if r.done() {
			segments = append(segments, agent.Segment{ID: r.id, Birth: time.UnixMilli(r.birth), Size: r.size})
		}
	}
	return segments, nil
}

// orphan reports whether r is an unfinished segment whose writer no longer exists.
func (s *Spool) orphan(r *row, now time.Time) bool {
	return s.writers[r.id] == nil && r.abandoned(now)
}

func (s *Spool) needsCare(rows []row, now time.Time) bool {
	for i := range rows {
		if r := &rows[i]; s.orphan(r, now) || r.done() && s.expired(r, now) {
			return true
		}
	}
	return false
}

// care finishes abandoned segments and drops expired ones. It returns the remaining rows. The
// caller holds mu.
func (s *Spool) care() (kept []row, err error) {
	var lost uint64
	err = s.write(false, func(t transaction) error {
		now := time.Now()
		rows, err := readRows(t)
		if err != nil {
			return err
		}
		for i := range rows {
			r := &rows[i]
			if s.orphan(r, now) {
				finish(t, r)
			}
			if !r.done() || !s.expired(r, now) {
				kept = append(kept, *r)
				continue
			}
			n, err := dropSegment(t, r)
			if err != nil {
				return err
			}
			lost += n
		}
		return nil
	})
	if errors.Is(err, errAbsent) {
		return nil, nil
	}
	if err == nil {
		s.lost(report.DropExpired, lost)
	}
	return kept, err
}

// lost counts records that the spool had to drop. The caller holds mu.
func (s *Spool) lost(reason string, n uint64) {
	if n > 0 {
		s.drops[reason] += n
	}
}

// dropSegment deletes a segment and returns how many records are lost with it.
func dropSegment(t transaction, r *row) (records uint64, err error) {
	b, err := t.chunks(r.id.String())
	if err != nil {
		return 0, err
	}
	t.deleteSegment(r.id.String())
	info, err := seal.ParseSegment(b)
	if err != nil {
		return 1, nil
	}
	return uint64(max(info.Frames-1, 1)), nil // its header aside
}

// Read implements agent.Spool.
func (s *Spool) Read(id report.BatchID) (b []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := id.String()
	err = s.read(func(t transaction) error {
		line, err := t.segment(key)
		if err != nil {
			return err
		}
		if r, ok := parseRow(line); !ok || !r.done() {
			return agent.ErrNoSegment
		}
		b, err = t.chunks(key)
		return err
	})
	if errors.Is(err, errAbsent) {
		return nil, agent.ErrNoSegment
	}
	if err != nil {
		return nil, err
	}
	if info, err := seal.ParseSegment(b); err != nil || info.ID != id {
		if s.remove(key) == nil {
			s.lost(report.DropCorrupt, 1)
		}
		return nil, agent.ErrNoSegment
	}
	return b, nil
}

// Remove implements agent.Spool.
func (s *Spool) Remove(id report.BatchID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remove(id.String())
}

// remove deletes a finished segment. The caller holds mu.
func (s *Spool) remove(key string) error {
	err := s.write(false, func(t transaction) error {
		line, err := t.segment(key)
		if r, ok := parseRow(line); ok && r.done() {
			t.deleteSegment(key)
		}
		return err
	})
	if errors.Is(err, errAbsent) {
		return nil
	}
	return err
}

// LockUpload implements agent.Spool.
func (s *Spool) LockUpload() (unlock func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var free func()
	err = s.run(func(db database) error {
		free, err = db.lock()
		return err
	})
	if errors.Is(err, errAbsent) {
		return func() {}, nil // nothing to upload
	}
	if err != nil {
		return nil, err
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		free()
	}, nil
}
