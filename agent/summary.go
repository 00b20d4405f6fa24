package agent

import (
	"strconv"
	"strings"

	"github.com/heliograph-net/heliograph/report"
)

// The limits of what is remembered about a segment for the log of what was sent.
const (
	maxSentCounts = 32 // pairs of target and outcome
	maxSentLines  = 16 // samples, and errors
	maxSentLine   = 512
	// segments that wait for a collector; for further ones, the log says only that they were sent
	maxSummaries = 64
)

// summary is what an agent remembers about a sealed segment until a collector has it. It is only in
// memory, because nothing readable is written before something was sent. The spooler's lock
// guards it.
type summary struct {
	consent report.Consent // the highest level of the records
	counts  []SentCount
	samples []string
	errors  []string
	more    uint64 // lines for which there was no room
}

// remember adds items to the summary of the open segment after they have become durable. The
// caller holds mu.
func (s *spooler) remember(seg *openSegment, level report.Consent, items []item) {
	own := s.own[seg.id]
	if own.summary == nil {
		if s.summaries() == maxSummaries {
			return
		}
		own.summary = new(summary)
	}
	own.summary.add(level, items)
}

// summaries returns the number of segments with a summary.
func (s *spooler) summaries() (n int) {
	for _, own := range s.own {
		if own.summary != nil {
			n++
		}
	}
	return n
}

// add adds items that were recorded at a level.
func (s *summary) add(level report.Consent, items []item) {
	s.consent = max(s.consent, level)
	for _, it := range items {
		if it.probes != nil {
			s.line(&s.samples, it.probes.line())
			continue
		}
		switch r := it.record.(type) {
		case *report.Window:
			for i := range r.Counters {
				s.count(&r.Counters[i])
			}
		case *report.Sample:
			s.line(&s.samples, r.Method+" "+r.URL+": "+string(r.Outcome))
		case *report.ApplicationError:
			s.line(&s.errors, appErrorLine(r))
		}
	}
}

// tell writes s to r.
func (s *summary) tell(r *SentReport) {
	r.Known, r.Consent, r.More = true, s.consent, s.more
	r.Requests, r.Samples, r.Errors = s.counts, s.samples, s.errors
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
		line += " (with names of the program's functions: " + strconv.Itoa(len(r.Frames)) + ")"
	}
	return line
}
