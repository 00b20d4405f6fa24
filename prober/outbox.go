package prober

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// promptly is how long a result that says something new waits, so that the failure of many servers
// is reported in one record.
const promptly = time.Second

// outbox collects results until they are delivered. Only Run's goroutine uses it.
type outbox struct {
	deliver func(at time.Time, r *report.ProbeResults) // nil: results are discarded
	// the fields that are the same in all records
	head    report.ProbeResults
	hold    time.Duration
	waiting []waiting
	due     time.Time // when the waiting results are delivered; zero: none wait
}

// waiting is a result in the outbox.
type waiting struct {
	of     *server
	ended  time.Time
	result report.ProbeResult // whose Target and At are not known yet
}

func newOutbox(o *Options, all []*server) *outbox {
	head := report.ProbeResults{Vantage: o.Vantage, ASN: o.ASN, Version: o.Version}
	b := &outbox{deliver: o.Deliver, head: head, hold: o.Hold}
	b.rank(all)
	return b
}

// rank orders the servers by name, as in records.
func (b *outbox) rank(all []*server) {
	byName := slices.Clone(all)
	slices.SortFunc(byName, func(a, b *server) int { return strings.Compare(a.target.Name, b.target.Name) })
	for rank, s := range byName {
		s.rank = rank
	}
}

// add adds the attempt at s that was just judged.
func (b *outbox) add(s *server, now time.Time) {
	if b.deliver == nil {
		return
	}
	j := s.judgement()
	b.waiting = append(b.waiting, waiting{s, s.ended, resultOf(s, j)})
	wait := b.hold
	if s.isNews(j) {
		wait = min(promptly, b.hold)
	}
	s.told = j
	if due := now.Add(wait); b.due.IsZero() || due.Before(b.due) {
		b.due = due
	}
	if len(b.waiting) == report.MaxProbeResults {
		b.due = now
	}
}

// flushDue delivers the results if they are due. It returns when they will be due, or the zero time
// if none wait.
func (b *outbox) flushDue(now time.Time) time.Time {
	if !b.due.IsZero() && !b.due.After(now) {
		b.flush(now)
	}
	return b.due
}

// flush delivers the waiting results.
func (b *outbox) flush(now time.Time) {
	if len(b.waiting) == 0 {
		return
	}
	record := b.head
	of := make([]*server, len(b.waiting))
	for i := range b.waiting {
		of[i] = b.waiting[i].of
	}
	byRank := func(x, y *server) int { return cmp.Compare(x.rank, y.rank) }
	slices.SortFunc(of, byRank)
	of = slices.Compact(of)
	for _, s := range of {
		record.Targets = append(record.Targets, s.target.described())
	}
	for i := range b.waiting {
		w := &b.waiting[i]
		w.result.Target, _ = slices.BinarySearchFunc(of, w.of, byRank)
		w.result.At = min(max(w.ended.Sub(now).Milliseconds(), -report.MaxAge), 0)
		record.Results = append(record.Results, w.result)
	}
	clear(b.waiting)
	b.waiting, b.due = b.waiting[:0], time.Time{}
	b.deliver(now, &record)
}

// isNews reports whether the attempt that was just judged as j must be delivered soon, because the
// judgement has changed or a target that is not down has failed.
func (s *server) isNews(j report.Judgement) bool {
	switch {
	case s.told == 0:
		return j == report.JudgedDown
	case j != s.told:
		return true
	}
	return j == report.JudgedUp && s.result.Outcome.Failed()
}

// judgement returns how the vantage judges s after the last attempt.
func (s *server) judgement() report.Judgement {
	switch {
	case s.served:
		return report.JudgedMaintenance
	case s.err != nil:
	case s.state == heatmap.Up:
		return report.JudgedUp
	case s.state == heatmap.Down:
		return report.JudgedDown
	}
	return report.JudgedInconclusive
}

// resultOf returns the last attempt at s, cut to the limits of a record, which a program's own
// probe may exceed.
func resultOf(s *server, j report.Judgement) report.ProbeResult {
	r := &s.result
	result := report.ProbeResult{
		Judgement: j, Outcome: r.Outcome, Server: text(r.Server), Protocol: text(r.Protocol),
		Status: min(r.Status, report.MaxStatus), Family: probe.Family(r.Server),
	}
	if !result.Outcome.Valid() {
		result.Outcome = report.Unknown // this machine could not probe
	}
	for _, step := range r.Steps[:min(len(r.Steps), report.MaxProbeSteps)] {
		result.Steps = append(result.Steps, report.ProbeStep{Name: cmp.Or(text(step.Name), "unknown"), Micros: micros(step)})
	}
	return result
}

func micros(s probe.Step) uint64 {
	return min(uint64(max(s.Duration.Microseconds(), 0)), report.MaxMicros)
}

// text cuts s to the length that a record allows.
func text(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), report.MaxString)], "")
}
