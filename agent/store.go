package agent

import (
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// store seals items and puts them durably into the spool. What cannot be stored is counted as
// dropped. The caller holds spoolMu.
func (a *Agent) store(consent report.Consent, items []item) {
	a.collectDrops()
	// after a failed write, once more in a fresh segment: the directory may have been deleted under
	// the old one
	again := true
	for len(items) > 0 {
		fresh := a.segment == nil
		n, err := a.storeSome(consent, items)
		a.stored(n)
		items = items[n:]
		switch {
		case err == nil:
		case errors.Is(err, errSegmentFull) && (n > 0 || !fresh):
			a.finishSegment()
		case errors.Is(err, report.ErrTooLarge):
			items = a.divide(items)
		case errors.Is(err, report.ErrMalformed), errors.Is(err, errSegmentFull):
			a.drop(report.DropOverflow, 1) // beyond the limits of a record
			items = items[1:]
		default:
			a.finishSegment()
			if !again {
				a.drop(dropReason(err), uint64(len(items)))
				return
			}
			again = false
		}
	}
}

// divide replaces the first item, which is too large for a record, by its halves, or drops it.
func (a *Agent) divide(items []item) []item {
	first, second, ok := items[0].halves()
	if !ok {
		a.drop(report.DropOverflow, 1)
		return items[1:]
	}
	return append([]item{first, second}, items[1:]...)
}

func dropReason(err error) string {
	if errors.Is(err, ErrSpoolFull) {
		return report.DropSpoolFull
	}
	return report.DropWriteFailed
}

// storeSome appends as many of items as the open segment takes to it, and returns how many are
// durable. The error is about what follows these.
func (a *Agent) storeSome(consent report.Consent, items []item) (int, error) {
	s, err := a.currentSegment(time.Now())
	if err != nil {
		return 0, err
	}
	header := &report.Header{
		Source: sourceOf(items), App: a.o.App, Version: a.o.Version, OS: a.o.OS,
		Consent: consent, Client: s.client.token, Drops: a.unreported(),
	}
	frames, n, packErr := s.pack(header, items)
	// a header alone is not worth a write; but it was sealed, so the segment's sequence goes
	// on behind it
	if n == 0 {
		if len(frames) > 0 {
			a.finishSegment()
		}
		return 0, packErr
	}
	if err := s.writer.Append(frames); err != nil {
		return 0, err
	}
	if s.size == 0 {
		s.size = int64(len(s.sealer.Prefix()))
	}
	s.size += int64(len(frames))
	s.consent, s.source = consent, header.Source
	a.remember(s, consent, items[:n])
	a.reported(header.Drops)
	return n, packErr
}

// currentSegment returns the segment to write to, a new one if need be. The caller holds spoolMu.
func (a *Agent) currentSegment(now time.Time) (*openSegment, error) {
	key := a.currentPolicy().seal
	c := a.currentClient(now)
	if a.segment != nil {
		if a.segment.serves(now, c, key.ID()) {
			return a.segment, nil
		}
		a.finishSegment()
	}
	id, err := report.NewBatchID(now, a.o.Rand)
	if err != nil {
		return nil, err
	}
	s := &openSegment{id: id, birth: now, client: c, key: key.ID()}
	if s.sealer, err = seal.NewSealer(key, id); err != nil {
		return nil, err
	}
	if s.writer, err = a.o.Spool.Begin(now, id, s.sealer.Prefix()); err != nil {
		return nil, err
	}
	a.segment = s
	a.rememberBirth(id, now)
	return s, nil
}

// finishSegment ends the open segment, if there is one, so that it can be delivered. What cannot be
// ended now, List ends later. The caller holds spoolMu.
func (a *Agent) finishSegment() {
	if a.segment != nil {
		_ = a.segment.writer.Close()
		a.segment = nil
	}
}

func (a *Agent) stored(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stats.Sealed += uint64(n)
}
