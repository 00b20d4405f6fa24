package agent

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// spooler seals the recorder's records and writes them to the spool, together with the states that
// an agent keeps between runs. Only the spooler writes to the spool, except that the courier
// removes delivered segments and notices.
type spooler struct {
	spool    *shelter
	rand     io.Reader
	header   report.Header // without the fields that differ between headers
	consent  *consent
	recorder *recorder
	notices  notices
	sealed   atomic.Uint64 // records durably in the spool
	kicked   chan struct{} // capacity 1: there is something to deliver

	mu       sync.Mutex // held while segments and states are written; guards the following fields
	segment  *openSegment
	own      map[report.BatchID]*ownSegment // segments that no collector has yet
	tokens   tokens
	sent     sentLog
	receipts receipted
	policies policyStore
	unkept   []notice // notices that could not be stored when the spool was deleted
}

// ownSegment is what an agent remembers, only in memory, about a segment that it has begun.
type ownSegment struct {
	birth   time.Time // with a monotonic reading, which a Segment in the spool lacks
	summary *summary  // nil: too many segments wait
}

func (s *spooler) init(o Options, bundled *checkedPolicy, c *consent, r *recorder) {
	s.spool = &shelter{Spool: o.Spool, failed: func(id report.BatchID, err error) {
		r.events.emit(Event{Kind: EventNotStored, Batch: id, Err: err})
	}}
	s.rand, s.consent, s.recorder = o.Rand, c, r
	s.header = report.Header{App: o.App, Version: o.Version, OS: o.OS}
	s.notices = notices{o.Spool}
	s.kicked = make(chan struct{}, 1)
	s.own = make(map[report.BatchID]*ownSegment)
	s.tokens = tokens{spool: o.Spool, rand: o.Rand}
	s.sent = sentLog{spool: s.spool, rand: o.Rand}
	s.policies = policyStore{spool: o.Spool, bundled: bundled}
}

// store seals items and durably stores them in the spool. Items that cannot be stored are counted
// as dropped. The caller holds mu.
func (s *spooler) store(level report.Consent, items []item) {
	s.spool.rescue()
	s.collectDrops()
	// after a failed write, try once more in a new segment, because the directory of the old one
	// may have been deleted
	again := true
	for len(items) > 0 {
		fresh := s.segment == nil
		n, err := s.storeSome(level, items)
		s.sealed.Add(uint64(n))
		items = items[n:]
		switch {
		case err == nil:
		case errors.Is(err, errSegmentFull) && (n > 0 || !fresh):
			s.finishSegment()
		case errors.Is(err, report.ErrTooLarge):
			items = s.divide(items)
		case errors.Is(err, report.ErrMalformed), errors.Is(err, errSegmentFull):
			s.recorder.drop(report.DropOverflow, 1) // larger than a record may be
			items = items[1:]
		default:
			s.finishSegment()
			if !again {
				s.recorder.dropFor(dropReason(err), uint64(len(items)), err)
				items = nil
			}
			again = false
		}
	}
	signal(s.kicked)
}

// divide replaces the first item, which is too large for a record, by its halves. If it cannot be
// divided, it is dropped.
func (s *spooler) divide(items []item) []item {
	first, second, ok := items[0].halves()
	if !ok {
		s.recorder.drop(report.DropOverflow, 1)
		return items[1:]
	}
	return append([]item{first, second}, items[1:]...)
}

// halves divides a window that is too large for a record into two windows of the same time, and a
// prober's results likewise. It returns false for items that cannot be divided.
func (it item) halves() (a, b item, ok bool) {
	if it.probes != nil {
		return it.probes.halves(it.at)
	}
	w, isWindow := it.record.(*report.Window)
	if !isWindow || len(w.Counters) < 2 {
		return a, b, false
	}
	first, second := *w, *w
	n := len(w.Counters) / 2
	first.Counters, second.Counters = w.Counters[:n], w.Counters[n:]
	a, b = item{at: it.at, record: &first}, item{at: it.at, record: &second}
	a.durations, b.durations = split(it.durations, w, n)
	return a, b, true
}

func dropReason(err error) string {
	if errors.Is(err, ErrSpoolFull) {
		return report.DropSpoolFull
	}
	return report.DropWriteFailed
}

// storeSome appends to the open segment as many items as it can hold, and returns how many are
// durable. The error is about the item after these.
func (s *spooler) storeSome(level report.Consent, items []item) (int, error) {
	seg, err := s.currentSegment(time.Now())
	if err != nil {
		return 0, err
	}
	header := s.header
	header.Source, header.Consent = sourceOf(items), level
	header.Client, header.Drops = seg.client.token, s.recorder.unreported()
	var names *report.Receipts
	if header.Source == report.SourceAgent {
		names = s.receipts.record(seg.client)
	}
	frames, n, packErr := seg.pack(&header, names, items)
	// a header alone is not worth a write; but it was sealed, so the segment's sequence number
	// has advanced
	if n == 0 {
		if len(frames) > 0 {
			s.finishSegment()
		}
		return 0, packErr
	}
	if err := seg.append(frames, &header); err != nil {
		return 0, err
	}
	s.remember(seg, level, items[:n])
	s.recorder.reported(header.Drops)
	if names != nil {
		s.receipts.told()
	}
	return n, packErr
}

// currentSegment returns the open segment, or a new one if necessary.
func (s *spooler) currentSegment(now time.Time) (*openSegment, error) {
	key, c := s.consent.inForce().seal, s.tokens.current(now)
	if s.segment != nil {
		if s.segment.serves(now, c, key.ID()) {
			return s.segment, nil
		}
		s.finishSegment()
	}
	seg, err := s.newSegment(key, c, now)
	if err != nil {
		return nil, err
	}
	s.segment = seg
	s.own[seg.id] = &ownSegment{birth: now}
	return seg, nil
}

// finishSegment ends the open segment, if there is one, so that it can be delivered. If that fails,
// List ends it later. The caller holds mu.
func (s *spooler) finishSegment() {
	if s.segment != nil {
		_ = s.segment.writer.Close()
		s.segment = nil
	}
}
