package agent

import (
	"strconv"
	"strings"

	"github.com/heliograph-net/heliograph/report"
)

// Bounds of what is remembered of a segment for the log of what was sent.
const (
	maxSentCounts = 32 // pairs of target and outcome
	maxSentLines  = 16 // samples, and errors
	maxSentLine   = 512
	// segments that wait for a collector; of more the log tells only that they were sent
	maxSummaries = 64
)

// summary is what an agent remembers of a segment that it has sealed, in memory only, until a
// collector has it: nothing readable is written before something was sent. Agent.spoolMu owns it.
type summary struct {
	consent report.Consent // the highest under which something was recorded
	counts  []SentCount
	samples []string
	errors  []string
	more    uint64 // that found no room
}

// remember adds items, durable in the open segment now, to its summary. The caller holds spoolMu.
func (a *Agent) remember(s *openSegment, consent report.Consent, items []item) {
	sum := a.summaries[s.id]
	if sum == nil {
		if len(a.summaries) == maxSummaries {
			return
		}
		sum = new(summary)
		a.summaries[s.id] = sum
	}
	sum.consent = max(sum.consent, consent)
	for _, it := range items {
		switch r := it.record.(type) {
		case *report.Window:
			for i := range r.Counters {
				sum.count(&r.Counters[i])
			}
		case *report.Sample:
			sum.line(&sum.samples, r.Method+" "+r.URL+": "+string(r.Outcome))
		case *report.ProbeResults:
			sum.line(&sum.samples, probeLine(r))
		case *report.ApplicationError:
			sum.line(&sum.errors, appErrorLine(r))
		}
	}
}

func (s *summary) count(c *report.Counter) {
	for i := range s.counts {
		if k := &s.counts[i]; k.Target == c.Target && k.Outcome == c.Outcome {
			k.Count += c.Count
			return
		}
	}
	if len(s.counts) == maxSentCounts {
		s.more++
		return
	}
	s.counts = append(s.counts, SentCount{Target: c.Target, Outcome: c.Outcome, Count: c.Count})
}

func (s *summary) line(to *[]string, line string) {
	if len(*to) == maxSentLines {
		s.more++
		return
	}
	*to = append(*to, text(strings.TrimSpace(line), maxSentLine))
}

func appErrorLine(r *report.ApplicationError) string {
	line := strconv.FormatUint(r.Count, 10) + " × " + string(r.Kind.Outcome()) + " " + r.Type
	if r.Message != "" {
		line += ": " + strings.Join(strings.Fields(r.Message), " ")
	}
	if len(r.Frames) > 0 {
		line += " (with the names of " + strconv.Itoa(len(r.Frames)) + " functions of the program)"
	}
	return line
}

// forgetSummaries drops those of segments that are gone. The caller holds spoolMu, and has no
// segment open.
func (a *Agent) forgetSummaries(segments []Segment) {
	kept := make(map[report.BatchID]*summary, len(a.summaries))
	for _, s := range segments {
		if sum := a.summaries[s.ID]; sum != nil {
			kept[s.ID] = sum
		}
	}
	a.summaries = kept
}
