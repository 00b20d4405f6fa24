package agenttest

import (
	"errors"
	"slices"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// Seen is what arrived, opened, in the order of arrival; a batch that came twice is there once.
type Seen struct {
	Records []report.Record // all, those below among them
	Headers []*report.Header
	Windows []*report.Window
	Samples []*report.Sample
	Errors  []*report.ApplicationError
	Notices []*report.DeletionNotice
}

// Count is how many requests to target ended in outcome. Empty means any. Windows that stand for
// others that were not sent count as the one that they are.
func (s *Seen) Count(target string, outcome report.Outcome) (n uint64) {
	for _, w := range s.Windows {
		for i := range w.Counters {
			c := &w.Counters[i]
			if (target == "" || c.Target == target) && (outcome == "" || c.Outcome == outcome) {
				n += c.Count
			}
		}
	}
	return n
}

// Drops is how many records agents said that they had lost, by [report.Drop] reason.
func (s *Seen) Drops() map[string]uint64 {
	drops := make(map[string]uint64)
	for _, h := range s.Headers {
		for _, d := range h.Drops {
			drops[d.Reason] += d.Count
		}
	}
	return drops
}

func (s *Seen) add(r report.Record) {
	s.Records = append(s.Records, r)
	switch r := r.(type) {
	case *report.Header:
		s.Headers = append(s.Headers, r)
	case *report.Window:
		s.Windows = append(s.Windows, r)
	case *report.Sample:
		s.Samples = append(s.Samples, r)
	case *report.ApplicationError:
		s.Errors = append(s.Errors, r)
	case *report.DeletionNotice:
		s.Notices = append(s.Notices, r)
	}
}

// Seen returns what has arrived so far. Agents deliver on their own a little after a window has
// ended; Agent.Flush does not wait for that. The records must not be changed.
func (o *Operator) Seen() *Seen {
	o.mu.Lock()
	defer o.mu.Unlock()
	return &Seen{
		Records: slices.Clone(o.seen.Records), Headers: slices.Clone(o.seen.Headers),
		Windows: slices.Clone(o.seen.Windows), Samples: slices.Clone(o.seen.Samples), Errors: slices.Clone(o.seen.Errors),
		Notices: slices.Clone(o.seen.Notices),
	}
}

// Forget empties Seen and Uploads, for the next part of a test.
func (o *Operator) Forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen, o.uploads = Seen{}, nil
}

// Uploads returns every try to deliver so far, those that were not answered well included.
func (o *Operator) Uploads() []Upload {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.uploads)
}

// take opens a segment and adds what is in it. The caller holds mu.
func (o *Operator) take(id report.BatchID, segment []byte) {
	info, plain, err := seal.NewKeyring(o.open).Open(segment)
	if err != nil {
		o.faults = append(o.faults, errors.New("batch "+id.String()+": "+err.Error()))
		return
	}
	if info.ID != id {
		o.faults = append(o.faults, errors.New("batch "+id.String()+" has a segment called "+info.ID.String()))
	}
	for _, b := range plain {
		r, err := report.DecodeRecord(b)
		if err != nil {
			o.faults = append(o.faults, errors.New("batch "+id.String()+": "+err.Error()))
			continue
		}
		o.seen.add(r)
	}
}
