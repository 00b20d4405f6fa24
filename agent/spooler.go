package agent

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// spooler seals what the recorder has and writes it to the spool, together with the little that an
// agent keeps between runs. It is the only part that writes there, but for the segments and notices
// that the courier has delivered.
type spooler struct {
	spool    *shelter
	rand     io.Reader
	header   report.Header // without what differs from one to the next
	consent  *consent
	recorder *recorder
	notices  notices
	sealed   atomic.Uint64 // records durably in the spool
	kicked   chan struct{} // capacity 1: there is something to deliver

	mu       sync.Mutex // held while segments and state are written; owns what follows
	segment  *openSegment
	own      map[report.BatchID]*ownSegment // that no collector has yet
	tokens   tokens
	sent     sentLog
	receipts receipted
	policies policyStore
	unkept   []notice // that the spool could not keep when it was deleted
}

// ownSegment is what an agent remembers, in memory only, of a segment that it has begun.
type ownSegment struct {
	birth   time.Time // with a monotonic reading, which a Segment in the spool lacks
	summary *summary  // nil: too many wait
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

// store seals items and puts them durably into the spool. What cannot be stored is counted as
// dropped. The caller holds mu.
func (s *spooler) store(level report.Consent, items []item) {
	s.spool.rescue()
	s.collectDrops()
	// after a failed write, once more in a fresh segment: the directory may have been deleted under
	// the old one
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
			s.recorder.drop(report.DropOverflow, 1) // beyond the limits of a record
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

// divide replaces the first item, which is too large for a record, by its halves, or drops it.
func (s *spooler) divide(items []item) []item {
	first, second, ok := items[0].halves()
	if !ok {
		s.recorder.drop(report.DropOverflow, 1)
		return items[1:]
	}
	return append([]item{first, second}, items[1:]...)
}

// halves divides a window whose record would be too large into two of the same time, and likewise
// a prober's results. It reports false for what cannot be divided.
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
	return item{at: it.at, record: &first}, item{at: it.at, record: &second}, true
}

func dropReason(err error) string {
	if errors.Is(err, ErrSpoolFull) {
		return report.DropSpoolFull
	}
	return report.DropWriteFailed
}

// storeSome appends as many of items as the open segment takes to it, and returns how many are
// durable. The error is about what follows these.
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
	// a header alone is not worth a write; but it was sealed, so the segment's sequence goes
	// on behind it
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

// currentSegment returns the segment to write to, a new one if need be.
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

// finishSegment ends the open segment, if there is one, so that it can be delivered. What cannot be
// ended now, List ends later. The caller holds mu.
func (s *spooler) finishSegment() {
	if s.segment != nil {
		_ = s.segment.writer.Close()
		s.segment = nil
	}
}
