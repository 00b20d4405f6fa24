package agent

import (
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// What the courier asks of the spooler.

// finished ends the open segment and returns all finished ones, the oldest first.
func (s *spooler) finished() ([]Segment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finishSegment()
	segments, err := s.spool.List()
	if err != nil && len(segments) == 0 {
		return nil, err
	}
	segments = s.spool.deliverable(segments)
	s.collectDrops()
	kept := make(map[report.BatchID]*ownSegment, len(s.own))
	for i := range segments {
		if own := s.own[segments[i].ID]; own != nil {
			kept[segments[i].ID] = own
			segments[i].Birth = own.birth
		}
	}
	s.own = kept
	return segments, nil
}

// waiting tells the segments that wait in spool and memory, and the one that is still open because
// nobody could be asked to take it.
func (s *spooler) waiting() ([]Segment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	segments, err := s.spool.List()
	if seg := s.segment; seg != nil && seg.size > 0 {
		segments = append(segments, Segment{ID: seg.id, Birth: seg.birth, Size: seg.size})
	}
	return segments, err
}

// markSent notes, before a segment is uploaded, that something may have been sent under the token
// of the day of its birth. It reports whether the mark is new, and ok false when the permit was
// withdrawn meanwhile.
func (s *spooler) markSent(permit *permit, seg Segment) (fresh, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !permit.valid() {
		return false, false
	}
	return s.tokens.mark(utcDay(seg.Birth)), true
}

// unmarkSent takes a mark back, when it is certain that nothing was sent after all.
func (s *spooler) unmarkSent(seg Segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens.unmark(utcDay(seg.Birth))
}

// logSent writes down that a collector has a segment, and remembers it for the audit of receipts.
// It comes before the segment is deleted, so that nothing is left out; what is delivered twice is
// written once. When the permit was withdrawn the log is gone, and stays so.
func (s *spooler) logSent(permit *permit, seg Segment, c policy.Collector, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !permit.valid() {
		return
	}
	now := time.Now()
	s.receipts.add(seg, c.ID, body, now)
	r := SentReport{At: now, Collector: c.ID, URL: c.URL, Batch: seg.ID, Bytes: uint64(len(body)), Born: seg.Birth}
	if own := s.own[seg.ID]; own != nil && own.summary != nil {
		own.summary.tell(&r)
	}
	s.sent.add(&r)
}

// close ends the open segment, which a delivery that did not come about has left open, and leaves
// what is still to be told.
func (s *spooler) close() {
	defer s.recorder.events.caught()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finishSegment()
	if s.consent.allows() {
		s.spool.rescue()
		s.leaveDrops()
	}
}
