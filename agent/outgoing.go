package agent

import (
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// This file has the spooler's methods for the courier.

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

// waiting returns the segments that wait in the spool and in memory, and the one that is still open
// because no collector was ready.
func (s *spooler) waiting() ([]Segment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	segments, err := s.spool.List()
	if seg := s.segment; seg != nil && seg.size > 0 {
		segments = append(segments, Segment{ID: seg.id, Birth: seg.birth, Size: seg.size})
	}
	return segments, err
}

// markSent records, before a segment is uploaded, that something may have been sent under the token
// of the day of its birth. fresh says whether the mark is new. ok is false if the permit was
// withdrawn meanwhile.
func (s *spooler) markSent(permit *permit, seg Segment) (fresh, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !permit.valid() {
		return false, false
	}
	return s.tokens.mark(utcDay(seg.Birth)), true
}

// unmarkSent removes a mark if it is certain that nothing was sent.
func (s *spooler) unmarkSent(seg Segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens.unmark(utcDay(seg.Birth))
}

// logSent writes to the log that a collector has a segment, and remembers it for the audit of
// receipts. It is called before the segment is deleted, so that the log is complete. A segment that
// is delivered twice is logged once. If the permit was withdrawn, the log is deleted and stays so.
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

// close ends the open segment, if the last delivery did not, and stores unreported losses for the
// next process.
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
