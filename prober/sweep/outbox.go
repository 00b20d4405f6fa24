package sweep

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// outbox collects what is to be delivered. Only Run's goroutine uses it, but for reminds.
type outbox struct {
	o        *Options
	topology *heatmap.Topology
	waiting  []waiting
	since    time.Time // when the first of them was added
}

// waiting is a result in the outbox.
type waiting struct {
	server int32
	at     time.Time
	result report.ProbeResult // without Target and At
}

// reminds reports whether a server is delivered in a round even if nothing has changed. It is safe
// for concurrent use.
func (b *outbox) reminds(server int32, round int) bool {
	if b.o.Deliver == nil {
		return false
	}
	every := max(int(b.o.Remind/b.o.Round), 1)
	return (int(server)+round)%every == 0
}

// add adds an attempt.
func (b *outbox) add(f *finding, state heatmap.State, doubt bool, now time.Time) {
	if b.o.Deliver == nil {
		return
	}
	r := report.ProbeResult{Judgement: report.JudgedInconclusive, Outcome: f.result.Outcome, Status: min(f.result.Status, report.MaxStatus)}
	switch {
	case doubt:
	case state == heatmap.Up:
		r.Judgement = report.JudgedUp
	case state == heatmap.Down:
		r.Judgement = report.JudgedDown
	}
	if !r.Outcome.Valid() {
		r.Outcome = report.Unknown
	}
	r.Server, r.Protocol, r.Family = text(f.result.Server), text(f.result.Protocol), probe.Family(f.result.Server)
	for _, step := range f.result.Steps[:min(len(f.result.Steps), report.MaxProbeSteps)] {
		micros := min(uint64(max(step.Duration.Microseconds(), 0)), report.MaxMicros)
		r.Steps = append(r.Steps, report.ProbeStep{Name: cmp.Or(text(step.Name), "unknown"), Micros: micros})
	}
	if len(b.waiting) == 0 {
		b.since = now
	}
	b.waiting = append(b.waiting, waiting{f.server, now, r})
	if len(b.waiting) == report.MaxProbeTargets {
		b.flush(now)
	}
}

// flushDue delivers what has waited for a second.
func (b *outbox) flushDue(now time.Time) {
	if len(b.waiting) > 0 && now.Sub(b.since) >= settleIn {
		b.flush(now)
	}
}

// flush delivers what waits.
func (b *outbox) flush(now time.Time) {
	if len(b.waiting) == 0 {
		return
	}
	name := func(i int32) string { return b.topology.Server(int(i)).Name }
	slices.SortStableFunc(b.waiting, func(x, y waiting) int { return strings.Compare(name(x.server), name(y.server)) })
	record := report.ProbeResults{Vantage: b.o.Vantage, ASN: b.o.ASN, Version: b.o.Version}
	for i := range b.waiting {
		w := &b.waiting[i]
		if i == 0 || w.server != b.waiting[i-1].server {
			record.Targets = append(record.Targets, b.described(w.server))
		}
		w.result.Target = len(record.Targets) - 1
		w.result.At = min(max(w.at.Sub(now).Milliseconds(), -report.MaxAge), 0)
		record.Results = append(record.Results, w.result)
	}
	clear(b.waiting)
	b.waiting = b.waiting[:0]
	b.o.Deliver(now, &record)
}

func (b *outbox) described(i int32) report.ProbeTarget {
	s := b.topology.Server(int(i))
	return report.ProbeTarget{Name: text(s.Name), Address: text(s.Address), Kind: b.o.Spec(s).Kind(),
		Region: text(s.Region), DataCentre: text(s.DataCentre), Cluster: text(s.Cluster), Row: text(s.Row)}
}

// text cuts s to the length that a record allows.
func text(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), report.MaxString)], "")
}
