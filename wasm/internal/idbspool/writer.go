package idbspool

import (
	"errors"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// writer writes one segment. It is guarded by mu of its Spool.
type writer struct {
	s      *Spool
	birth  time.Time
	id     report.BatchID
	prefix []byte // nil once it is stored
	broken bool   // an Append failed, or it is closed
}

var errBroken = errors.New("segment takes no more")

// Begin implements agent.Spool.
func (s *Spool) Begin(birth time.Time, id report.BatchID, prefix []byte) (agent.SegmentWriter, error) {
	return &writer{s: s, birth: birth, id: id, prefix: slices.Clone(prefix)}, nil
}

// Append implements agent.SegmentWriter.
func (w *writer) Append(frames []byte) error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if w.broken {
		return errBroken
	}
	if err := w.append(frames); err != nil {
		w.broken = true
		return err
	}
	w.prefix = nil
	w.s.writers[w.id] = w
	return nil
}

// append stores frames, after making room for them if necessary.
func (w *writer) append(frames []byte) error {
	if w.prefix != nil {
		frames = append(w.prefix[:len(w.prefix):len(w.prefix)], frames...)
	}
	if len(frames) > seal.MaxSegment-endSize {
		return agent.ErrSpoolFull // readers refuse such a segment
	}
	err := w.store(frames)
	if errors.Is(err, agent.ErrSpoolFull) && w.s.finishOrphans() {
		err = w.store(frames)
	}
	switch {
	case !errors.Is(err, errQuota):
	case w.s.sacrifice(int64(len(frames))):
		if err = w.store(frames); errors.Is(err, errQuota) {
			w.s.inVain = time.Now()
		}
	case w.prefix != nil && w.s.vacant():
		// The database has no segments, so the quota is used up by others. From now on this page
		// keeps its segments in memory. If there were segments, this page could not reach
		// them any more.
		w.s.db.close()
		w.s.db = newMemory()
		err = w.store(frames)
	}
	if errors.Is(err, errQuota) {
		return errors.Join(agent.ErrSpoolFull, err)
	}
	return err
}

// store stores frames in one transaction. It drops as many of the oldest finished segments as the
// limits require.
func (w *writer) store(frames []byte) error {
	var lost uint64
	err := w.s.write(true, func(t transaction) error {
		lost = 0
		rows, err := readRows(t)
		if err != nil {
			return err
		}
		r, err := w.row(rows)
		if err != nil {
			return err
		}
		victims, ok := w.s.victims(rows, int64(len(frames)), w.prefix != nil)
		if !ok || r.size+int64(len(frames))+endSize > seal.MaxSegment {
			return agent.ErrSpoolFull
		}
		for i := range victims {
			n, err := dropSegment(t, &victims[i])
			if err != nil {
				return err
			}
			lost += n
		}
		t.putChunk(w.id.String(), r.chunks, frames)
		r.chunks++
		r.size += int64(len(frames))
		r.touched = max(time.Now().UnixMilli(), 0)
		t.putSegment(w.id.String(), r.String())
		return nil
	})
	if err == nil {
		w.s.lost(report.DropSpoolFull, lost)
	}
	return err
}

// row returns the row of w among rows, or a new one for the first Append. It returns an error if
// the segment was purged, or finished by another tab.
func (w *writer) row(rows []row) (row, error) {
	for _, r := range rows {
		if r.id != w.id {
			continue
		}
		if r.done() || w.prefix != nil {
			return row{}, errBroken
		}
		return r, nil
	}
	if w.prefix == nil {
		return row{}, errBroken
	}
	return row{id: w.id, birth: max(w.birth.UnixMilli(), 0)}, nil
}

// victims returns the oldest finished segments that must be deleted to make room for size more
// bytes, and one more segment if fresh. It returns false if deleting all of them would not
// be enough.
func (s *Spool) victims(rows []row, size int64, fresh bool) (victims []row, ok bool) {
	count := len(rows)
	size += total(rows)
	if fresh {
		count, size = count+1, size+endSize
	}
	for _, r := range rows {
		if size <= s.o.MaxBytes && count <= s.o.MaxSegments {
			break
		}
		if r.done() {
			victims = append(victims, r)
			count, size = count-1, size-r.size
		}
	}
	return victims, size <= s.o.MaxBytes && count <= s.o.MaxSegments
}

// finishOrphans finishes the segments of dead writers, so that they can be dropped. It reports
// whether there were any.
func (s *Spool) finishOrphans() bool {
	rows, err := s.rows()
	if err != nil || !s.needsCare(rows, time.Now()) {
		return false
	}
	_, err = s.care()
	return err == nil
}

// vacant reports whether the database surely has no segments.
func (s *Spool) vacant() bool {
	rows, err := s.rows()
	return err == nil && len(rows) == 0
}

// sacrificePause is how long no more segments are dropped because of a quota after that did not
// help. Browsers notice freed space late: Chromium's database shrinks only when it is compacted.
// Dropping more would lose everything and gain nothing.
const sacrificePause = time.Minute

// sacrifice drops the oldest finished segments to make room for size bytes under an unknown quota.
// It returns false if there were none, or if the last attempt failed within sacrificePause.
func (s *Spool) sacrifice(size int64) bool {
	if time.Since(s.inVain) < sacrificePause {
		return false
	}
	var lost uint64
	err := s.write(false, func(t transaction) error {
		lost = 0
		rows, err := readRows(t)
		if err != nil {
			return err
		}
		for freed := int64(0); len(rows) > 0 && freed < 2*size; rows = rows[1:] {
			if !rows[0].done() {
				continue
			}
			n, err := dropSegment(t, &rows[0])
			if err != nil {
				return err
			}
			freed += rows[0].size
			lost += n
		}
		return nil
	})
	if err != nil {
		return false
	}
	s.lost(report.DropSpoolFull, lost)
	return lost > 0
}

// Close implements agent.SegmentWriter.
func (w *writer) Close() error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.broken = true
	if w.s.writers[w.id] != w {
		return nil // nothing was appended, or it was purged
	}
	delete(w.s.writers, w.id)
	return w.s.finishSegments(w.id)
}

// finishWriters finishes the segments that are being written. The caller holds mu.
func (s *Spool) finishWriters() error {
	ids := make([]report.BatchID, 0, len(s.writers))
	for id, w := range s.writers {
		ids = append(ids, id)
		w.broken = true
	}
	clear(s.writers)
	if len(ids) == 0 {
		return nil
	}
	return s.finishSegments(ids...)
}

// finishSegments finishes segments. It ignores those that were purged or that another tab has
// finished. Even an end mark needs room.
func (s *Spool) finishSegments(ids ...report.BatchID) error {
	err := s.tryFinish(ids)
	if errors.Is(err, errQuota) && s.sacrifice(1) {
		err = s.tryFinish(ids)
	}
	return err
}

func (s *Spool) tryFinish(ids []report.BatchID) error {
	err := s.write(false, func(t transaction) error {
		for _, id := range ids {
			line, err := t.segment(id.String())
			if err != nil {
				return err
			}
			if r, ok := parseRow(line); ok && !r.done() {
				finish(t, &r)
			}
		}
		return nil
	})
	if errors.Is(err, errAbsent) {
		return nil
	}
	return err
}
