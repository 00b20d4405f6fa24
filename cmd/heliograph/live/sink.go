package live

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/simulate"
)

// sink turns what arrives in the simulation into batches, at the pace of Options.Speed. It is a
// [simulate.UploadSink].
type sink struct {
	*Simulation
	ctx    context.Context
	prober *prober
	begun  time.Time // when the scenario began to be delivered
	start  time.Time // the real time of its start
}

// begin begins the scenario, if that has not happened.
func (s *sink) begin() {
	if !s.begun.IsZero() {
		return
	}
	s.begun = s.counts.begin()
	s.start = s.begun.Add(-past(s.o.Scenario.Duration.Duration, s.o.Speed))
	if s.o.Begin != nil {
		s.o.Begin(s.start)
	}
}

// Row implements [simulate.Sink]. It is not called, because there is Upload.
func (s *sink) Row(simulate.Row) error { return nil }

// Upload hands over one client's report.
func (s *sink) Upload(u simulate.Upload) error {
	s.begin()
	if err := s.wait(u.Arrived); err != nil {
		return err
	}
	to := s.target(u.Rows[0].Collector)
	b := &batch{to: to, from: u.From.String(), birth: s.real(u.Ended), length: uint64(max(u.Ended-u.Began, 1)), timed: s.slow}
	n := 0
	for n < len(u.Rows) && u.Rows[n].App != model.DeliveryApp {
		n++
	}
	b.rows = slices.Clone(u.Rows[:n])
	for i := range u.Rows[n:] {
		if r := &u.Rows[n+i]; r.Outcome != report.OK {
			b.failed(s.target(strings.TrimPrefix(r.Target, model.CollectorTarget)).ID, r.Outcome)
		}
	}
	return s.put(b)
}

// put hands over a batch. It waits while there are too many.
func (s *sink) put(b *batch) error {
	s.unsent.Add(1)
	select {
	case s.jobs <- b:
		s.counts.reports.Add(1)
		return nil
	case <-s.ctx.Done():
		s.unsent.Done()
		return s.ctx.Err()
	}
}

// Probe keeps the result of a probe for the next tick.
func (s *sink) Probe(p simulate.Probe) error {
	s.prober.add(p)
	return nil
}

// Tick sends what vantages have found, and lets the real time catch up.
func (s *sink) Tick(at int64) error {
	s.begin()
	for _, b := range s.prober.take(at) {
		b.to, b.birth = s.targets[0], s.real(at)
		if err := s.put(b); err != nil {
			return err
		}
	}
	err := s.wait(at)
	s.counts.simulated.Store(at - s.o.Scenario.Start.UnixMilli())
	return err
}

// real returns the real time of a simulated one, which is in Unix milliseconds.
func (s *sink) real(at int64) time.Time {
	return s.start.Add(time.Duration(at-s.o.Scenario.Start.UnixMilli()) * time.Millisecond)
}

// target returns the collector that stands for one of the scenario's, such as "c2".
func (s *Simulation) target(name string) *target {
	n, err := strconv.Atoi(strings.TrimPrefix(name, "c"))
	if err != nil || n < 1 {
		n = 1
	}
	return s.targets[(n-1)%len(s.targets)]
}

// least is the shortest time that is worth waiting for.
const least = 2 * time.Millisecond

// wait waits until a simulated time is due.
func (s *sink) wait(at int64) error {
	if s.o.Speed == 0 {
		return s.ctx.Err()
	}
	simulated := time.Duration(at-s.o.Scenario.Start.UnixMilli()) * time.Millisecond
	due := s.begun.Add(time.Duration(float64(simulated) / s.o.Speed))
	left := time.Until(due)
	s.lag.note(-left)
	if left < least {
		return s.ctx.Err()
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// lag is how far the simulated time is behind the real one. It is safe for concurrent use.
type lag struct{ now atomic.Int64 }

func (l *lag) note(d time.Duration) { l.now.Store(int64(max(d, 0))) }

func (l *lag) get() time.Duration { return time.Duration(l.now.Load()) }
