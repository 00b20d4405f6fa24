package detector

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

const (
	replayBins = 240 // bins from which the baseline is learned again after a restart
	// and as many when an incident is open for so long; a longer gap is skipped
	replayMost  = 720
	catchUpTime = 30 * time.Second
)

// wait waits until every feed has had nothing more once, so that no bin is judged before the
// reports that waited are in; but not for a feed that is gone.
func wait(ctx context.Context, running, caught *sync.WaitGroup) {
	done := make(chan struct{})
	running.Go(func() {
		caught.Wait() // ends at the latest when the intakes do
		close(done)
	})
	timer := time.NewTimer(catchUpTime)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// evaluator judges bins as they close. It belongs to one goroutine.
type evaluator struct {
	d      *Detector
	series *SeriesDetector // made by replay
	audit  *auditJudge
	log    *slog.Logger
	next   time.Time // end of the next bin to judge
	open   map[int64]struct{}

	late    bool      // next is due for longer than a bin
	stepped time.Time // when the last step of the clock was that the log knows
	skipped span      // bins that were not judged when the clock went forward last
}

// span is the time from one end of a bin, inclusively, to another.
type span struct{ from, to time.Time }

func (ev *evaluator) run(ctx context.Context) {
	if !ev.d.retry(ctx, "evaluate", ev.log, ev.restore) {
		return
	}
	for ctx.Err() == nil {
		now := ev.d.now()
		ev.noticeStep()
		ev.follow(now)
		if due := ev.next.Add(ev.d.o.Grace).Sub(now); due > 0 {
			ev.late = false
			sleep(ctx, min(due, ev.d.o.Bin)) // a step of the clock is noticed within a bin
			continue
		}
		if ev.d.watch.allFail() { // what they hold is judged late, instead of nothing in time
			sleep(ctx, min(ev.d.o.Bin, time.Second))
			continue
		}
		ev.fallBehind(ctx, now)
		ev.step(ctx)
	}
}

// noticeStep tells of a step of the clock, once.
func (ev *evaluator) noticeStep() {
	s, ok := ev.d.clock.Last()
	if !ok || s.At.Equal(ev.stepped) {
		return
	}
	ev.stepped = s.At
	ev.d.metrics.steps.Inc()
	ev.log.Warn("the clock of this machine stepped; bins are judged by the time before, until the new one has lasted or a collector confirms it",
		"by", s.By.String(), "at", s.At)
}

// follow goes back when the time that is believed has: else nothing would be judged until it comes
// to where it was. What was left out when it went forward is judged now.
func (ev *evaluator) follow(now time.Time) {
	here := ev.align(now)
	if !ev.next.After(here) {
		return
	}
	from := here
	if s := ev.skipped; s.from.Before(here) && here.Before(s.to) {
		from = s.from
	}
	ev.log.Warn("the time went back, and bins with it", "to", from, "from", ev.next)
	ev.next, ev.skipped = from, span{}
}

// fallBehind sees to it that a bin that is due for longer than a bin is judged with all that waits
// for it, and leaves out those that are too many.
func (ev *evaluator) fallBehind(ctx context.Context, now time.Time) {
	here := ev.align(now)
	if !ev.next.Add(ev.d.o.Bin + ev.d.o.Grace).Before(now) {
		ev.late = false
		return
	}
	if ev.late {
		ev.d.metrics.lateBins.Inc()
		return
	}
	ev.late = true
	ev.d.metrics.lateBins.Inc()
	ev.skipped = span{ev.next, here}
	ev.log.Warn("bins are judged late", "from", ev.next, "to", here)
	ev.awaitFeeds(ctx)
	ev.skip(now)
}

// awaitFeeds waits until nothing old is left in any feed that answers, but not for long.
func (ev *evaluator) awaitFeeds(ctx context.Context) {
	w := ev.d.watch
	for start := w.now(); ctx.Err() == nil && !w.caughtUpSince(start) && w.now()-start < catchUpTime; {
		sleep(ctx, catchUpTime/100)
	}
}

// skip leaves out bins when too many were missed, after a suspended machine or a clock that jumped.
func (ev *evaluator) skip(now time.Time) {
	if oldest := ev.align(now.Add(-replayMost * ev.d.o.Bin)); ev.next.Before(oldest) {
		ev.log.Warn("bins were missed and are not judged", "from", ev.next, "to", oldest)
		ev.next = oldest
	}
}

// align is the end of the bin that t falls into.
func (ev *evaluator) align(t time.Time) time.Time {
	o := opener{bin: ev.d.o.Bin}
	return o.binEnd(t)
}

// step judges the next bin.
func (ev *evaluator) step(ctx context.Context) {
	cells, ok := ev.cells(ctx, ev.next)
	if !ok {
		return
	}
	if ev.late && len(cells) == 0 { // nothing was heard: that says nothing of the service
		ev.next = ev.next.Add(ev.d.o.Bin)
		ev.d.watch.judge(ev.next)
		return
	}
	ev.series.o.Thresholds = ev.d.Thresholds() // of the same Window
	events := ev.series.Step(ev.next, cells)
	audited, ok := ev.audited(ctx)
	if !ok {
		return
	}
	events = append(events, audited...)
	if !ev.d.retry(ctx, "evaluate", ev.log, func(ctx context.Context) error {
		return ev.d.o.State.SaveStep(ctx, Step{Bin: ev.next, Events: events})
	}) {
		return
	}
	for i := range events {
		ev.tell(&events[i])
	}
	m := ev.d.metrics
	m.bins.Inc()
	m.evaluated.Set(float64(ev.next.UnixMilli()) / 1000)
	m.open.Set(float64(len(ev.open)))
	m.overflow.Set(float64(ev.series.Dropped()))
	ev.next = ev.next.Add(ev.d.o.Bin)
	ev.d.watch.judge(ev.next)
}

// audited judges the collectors by the receipts that clients named.
func (ev *evaluator) audited(ctx context.Context) (events []model.Event, ok bool) {
	t := ev.d.Thresholds()
	ok = ev.d.retry(ctx, "audit", ev.log, func(ctx context.Context) (err error) {
		events, err = ev.audit.step(ctx, ev.d.now(), &t, ev.series.newID)
		return err
	})
	return events, ok
}

func (ev *evaluator) cells(ctx context.Context, end time.Time) (cells []Cell, ok bool) {
	ok = ev.d.retry(ctx, "evaluate", ev.log, func(ctx context.Context) (err error) {
		cells, err = ev.d.o.Events.Cells(ctx, end.Add(-ev.d.o.Bin), end)
		return err
	})
	return cells, ok
}

// tell logs an event. The target is a client's word and stays out of the log.
func (ev *evaluator) tell(e *model.Event) {
	i := &e.Incident
	ev.d.metrics.incidents.WithLabelValues(e.Kind.String()).Inc()
	if e.Kind == model.Cleared {
		delete(ev.open, i.ID)
	} else {
		ev.open[i.ID] = struct{}{}
	}
	level := slog.LevelInfo
	if e.Kind == model.Changed {
		level = slog.LevelDebug
	}
	ev.log.Log(context.Background(), level, "incident "+e.Kind.String(), "incident", i.ID, "outcome", string(i.Outcome), "asns", i.Scope.ASNs,
		"servers", len(i.Scope.Servers), "failed", i.Failed, "requests", i.Requests, "clients", i.Clients)
}

// restore learns the recent bins again and takes up the incidents that are open. Bins that were
// judged before are not judged again: what arrived late since then amends the store and
// raises nothing.
func (ev *evaluator) restore(ctx context.Context) error {
	now, width, state := ev.d.now(), ev.d.o.Bin, ev.d.o.State
	judged, err := state.Evaluated(ctx)
	if err != nil {
		return err
	}
	ev.next = ev.align(now)
	switch {
	case judged.IsZero():
	case judged.After(ev.next): // our clock was wrong, or is
		ev.log.Warn("the last bin judged lies in the future: the clock was wrong before, or is", "judged", judged)
	default:
		ev.next = ev.align(judged)
		ev.skip(now)
	}
	lastID, err := state.LastIncident(ctx)
	if err != nil {
		return err
	}
	incidents, err := state.Incidents(ctx, ev.next.Add(-replayMost*width))
	if err != nil {
		return err
	}
	ev.audit = newAuditJudge(ev.d.audit, ev.d.metrics)
	for i := range incidents {
		if audits(&incidents[i]) && incidents[i].Open() {
			ev.open[incidents[i].ID] = struct{}{}
		}
	}
	incidents = ev.audit.restore(incidents)
	from := ev.next.Add(-replayBins * width)
	for i := range incidents {
		if !incidents[i].Open() {
			continue
		}
		ev.open[incidents[i].ID] = struct{}{}
		if before := ev.align(incidents[i].Since.Add(-replayBins / 4 * width)); before.Before(from) {
			from = before
		}
	}
	if oldest := ev.next.Add(-replayMost * width); from.Before(oldest) {
		from = oldest
	}
	return ev.replay(ctx, from, incidents, lastID)
}

func (ev *evaluator) replay(ctx context.Context, from time.Time, incidents []model.Incident, lastID int64) error {
	series, err := NewSeriesDetector(SeriesOptions{Bin: ev.d.o.Bin, Thresholds: ev.d.Thresholds(), Probes: ev.d.probes, NetworkName: ev.d.o.NetworkName})
	if err != nil {
		return err
	}
	ev.series = series
	ev.series.Restore(incidents, lastID)
	for end := from; end.Before(ev.next); end = end.Add(ev.d.o.Bin) {
		cells, ok := ev.cells(ctx, end)
		if !ok {
			return ctx.Err()
		}
		ev.series.Replay(end, cells)
	}
	return nil
}
