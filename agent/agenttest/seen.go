package agenttest

import (
	"errors"
	"slices"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// Seen has the records that have arrived, in order of arrival. A batch that arrived twice is
// in it once.
type Seen struct {
	Records []report.Record // all records, including those in the following fields
	Headers []*report.Header
	Windows []*report.Window
	Samples []*report.Sample
	Errors  []*report.ApplicationError
	Notices []*report.DeletionNotice
}

// Count returns how many requests to target ended with outcome. An empty argument matches
// everything. Windows are not multiplied by their weight.
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

// Durations returns how long the requests to target that ended with outcome took, as far as agents
// have said so.
func (s *Seen) Durations(target string, outcome report.Outcome) (sum report.Histogram) {
	var before *report.Window
	for _, r := range s.Records {
		d, ok := r.(*report.Durations)
		if ok && before != nil {
			i := 0
			for g := range before.Groups() {
				if i < len(d.Histograms) && g[0].Target == target && g[0].Outcome == outcome {
					sum = sum.Plus(d.Histograms[i])
				}
				i++
			}
		}
		before, _ = r.(*report.Window)
	}
	return sum
}

// Drops returns the number of records that agents have reported as lost, by [report.Drop] reason.
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

// Seen returns what has arrived so far. Agents deliver a little after a window has ended; call
// [agent.Agent.Flush] to deliver at once. The records must not be changed.
func (o *Operator) Seen() *Seen {
	o.mu.Lock()
	defer o.mu.Unlock()
	return &Seen{
		Records: slices.Clone(o.seen.Records), Headers: slices.Clone(o.seen.Headers),
		Windows: slices.Clone(o.seen.Windows), Samples: slices.Clone(o.seen.Samples), Errors: slices.Clone(o.seen.Errors),
		Notices: slices.Clone(o.seen.Notices),
	}
}

// Forget clears Seen and Uploads, for the next part of a test.
func (o *Operator) Forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen, o.uploads = Seen{}, nil
}

// Uploads returns all attempts to deliver so far, including failed ones.
func (o *Operator) Uploads() []Upload {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.uploads)
}

// take opens a segment and adds its records. The caller holds mu.
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
