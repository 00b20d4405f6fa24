package detector

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
)

// catchUpTime is how long bins wait for feeds that have old batches left.
const catchUpTime = 30 * time.Second

// wait waits until every feed has had nothing more once, so that no bin is judged before the
// waiting reports have been read. It does not wait for a feed that is gone.
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
	d       *Detector
	log     *slog.Logger
	judging *judging // made by restore, like the next two
	news    *news
	audit   *auditJudge
	silence *vantageJudge
	budgets *budgetJudge
	next    time.Time // end of the next bin to judge
	saved   snapshotTimes

	late    bool      // next is due for longer than a bin
	stepped time.Time // time of the last step of the clock that was logged
	tuned   Thresholds
	bins    uint64 // bins that the metrics have counted
}

func (ev *evaluator) run(ctx context.Context) {
	if !ev.d.retry(ctx, "evaluate", ev.log, ev.restore) {
		return
	}
	gap := true // there may be much to judge since the snapshot
	for ctx.Err() == nil {
		now := ev.d.now()
		ev.noticeStep()
		ev.follow(now)
		if due := ev.next.Add(ev.d.o.Grace).Sub(now); due > 0 && !gap {
			ev.late = false
			sleep(ctx, min(due, ev.d.o.Bin)) // a step of the clock is noticed within a bin
			continue
		}
		// their batches are judged late, because otherwise bins would be judged without any
		if ev.d.watch.allFail() {
			sleep(ctx, min(ev.d.o.Bin, time.Second))
			continue
		}
		gap = ev.fallBehind(ctx, now) || gap
		if !ev.step(ctx, now, gap) {
			return
		}
		gap = false
	}
	ev.save(context.WithoutCancel(ctx))
}

// noticeStep logs a step of the clock, once.
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

// follow follows a time that went back. Otherwise nothing would be judged until the time is where
// it was before.
func (ev *evaluator) follow(now time.Time) {
	j := ev.judging
	if by := time.Duration((j.now-j.line.judges(now.UnixMilli()))/j.line.lapse) * time.Millisecond; by > 2*ev.d.o.Bin+ev.d.o.Grace {
		ev.log.Warn("the time went back, and bins with it", "to", now, "by", by.String())
		j.line.putBack(now, j.now)
	}
	if here := ev.align(now); ev.next.After(here) {
		ev.next = here
	}
}

// fallBehind reports whether bins have been due for longer than a bin. If so, it waits until the
// feeds have been read.
func (ev *evaluator) fallBehind(ctx context.Context, now time.Time) bool {
	if !ev.next.Add(ev.d.o.Bin + ev.d.o.Grace).Before(now) {
		ev.late = false
		return false
	}
	ev.d.metrics.lateBins.Add(float64(now.Add(-ev.d.o.Grace).Sub(ev.next)/ev.d.o.Bin) + 1)
	if ev.late {
		return true
	}
	ev.late = true
	ev.log.Warn("bins are judged late", "from", ev.next, "to", ev.align(now))
	ev.awaitFeeds(ctx)
	return true
}

// awaitFeeds waits until no feed that answers has old batches left, but at most for catchUpTime.
func (ev *evaluator) awaitFeeds(ctx context.Context) {
	w := ev.d.watch
	for start := w.now(); ctx.Err() == nil && !w.caughtUpSince(start) && w.now()-start < catchUpTime; {
		sleep(ctx, catchUpTime/100)
	}
}

// align returns the end of the bin that contains t.
func (ev *evaluator) align(t time.Time) time.Time {
	o := opener{bin: ev.d.o.Bin}
	return o.binEnd(t)
}

// step judges everything that can be judged by now, and stores the result. gap says that this may
// be more than a bin. It returns false if ctx ended first.
func (ev *evaluator) step(ctx context.Context, now time.Time, gap bool) bool {
	start := time.Now()
	ev.tune()
	for _, r := range ev.d.witnesses.take() {
		ev.judging.addProbe(&r)
	}
	said, ok := ev.judge(ctx, now)
	if !ok {
		return false
	}
	doubts := ev.judging.judge.Doubts()
	ev.d.doubts.Store(&doubts)
	events := ev.events(said, gap, now)
	audited, ok := ev.audited(ctx)
	if !ok {
		return false
	}
	events = append(events, audited...)
	events = append(events, ev.silence.step(ev.d.now(), gap, ev.d.settings.Load().Watched, ev.newID)...)
	if all, known := ev.d.o.Objectives(); known {
		events = append(events, ev.budgets.step(ev.d.now(), all, ev.newID)...)
	}
	ev.next = ev.align(now.Add(-ev.d.o.Grace))
	if !ev.store(ctx, Step{Bin: ev.next.Add(-ev.d.o.Bin), Judged: ev.d.now(), Events: events, Present: ev.present()}, ev.saved.due(ev.d.watch.now())) {
		return false
	}
	for i := range events {
		ev.tell(&events[i])
	}
	ev.count()
	ev.d.watch.judge(ev.next)
	if trace := ev.d.o.Trace; trace != nil {
		trace(Trace{Step: StepJudge, Start: start, End: time.Now(), Bin: ev.next, Events: events})
	}
	return true
}

// tune applies thresholds that were changed.
func (ev *evaluator) tune() {
	t := ev.d.Thresholds()
	if t == ev.tuned {
		return
	}
	if err := ev.judging.judge.Tune(t.options()); err != nil { // they were validated before
		ev.log.Error("the thresholds are not taken over", "error", err)
	}
	ev.tuned = t
}

// judge gives the judge the rows that wait in the store, and returns its events.
func (ev *evaluator) judge(ctx context.Context, now time.Time) (said []judgement.Event, ok bool) {
	events := ev.d.o.Events
	var pages []RowPage
	if !ev.d.retry(ctx, "evaluate", ev.log, func(ctx context.Context) (err error) {
		var last uint64
		if pages, last, err = events.Unjudged(ctx, ev.judging.given); err == nil && last < ev.judging.given {
			ev.judging.given = 0 // it is another store, or an older copy
			pages, _, err = events.Unjudged(ctx, 0)
		}
		return err
	}) {
		return nil, false
	}
	said, err := ev.judging.take(pages, now, func(number uint64) (rows []judgement.Row, err error) {
		if !ev.d.retry(ctx, "evaluate", ev.log, func(ctx context.Context) error {
			text, err := events.Rows(ctx, number)
			if err != nil {
				return err
			}
			if rows, err = DecodeRows(text); err != nil {
				ev.d.metrics.troubles.WithLabelValues("rows").Inc()
				ev.log.Error("rows are not judged", "page", number, "error", err)
			}
			return nil
		}) {
			return nil, ctx.Err()
		}
		return rows, nil
	})
	return said, err == nil
}

// events converts the judge's events to those to store.
func (ev *evaluator) events(said []judgement.Event, gap bool, now time.Time) []model.Event {
	line, names := &ev.judging.line, ev.d.o.NetworkName
	all := make([]model.Incident, len(said))
	for i := range said {
		all[i] = incidentOf(&said[i].Incident, line, names)
	}
	var open []model.Incident
	if gap {
		open = []model.Incident{}
		for _, i := range ev.judging.judge.Open() {
			open = append(open, incidentOf(&i, line, names))
		}
	}
	return ev.news.of(all, open, now)
}

// present returns the incidents that are open in the store, with the figures of now.
func (ev *evaluator) present() (all []model.Incident) {
	for _, i := range ev.judging.judge.Present() {
		if _, stored := ev.news.open[int64(i.ID)]; stored {
			all = append(all, incidentOf(&i, &ev.judging.line, ev.d.o.NetworkName))
		}
	}
	return all
}

// store stores a step, with a snapshot of the judge if snapshot is set or an incident has opened.
func (ev *evaluator) store(ctx context.Context, s Step, snapshot bool) bool {
	for i := range s.Events { // a judge that is given the same rows again must give it the same ID
		snapshot = snapshot || s.Events[i].Kind == model.Opened
	}
	if snapshot {
		start := time.Now()
		text, err := ev.judging.text()
		if err != nil {
			ev.log.Error("the judgement is not stored", "error", err)
		}
		s.Judgement = text
		ev.saved.took(ev.d.watch.now(), time.Since(start))
	}
	if !ev.d.retry(ctx, "evaluate", ev.log, func(ctx context.Context) error { return ev.d.o.State.SaveStep(ctx, s) }) {
		return false
	}
	if s.Judgement == nil {
		return true
	}
	return ev.d.retry(ctx, "evaluate", ev.log, func(ctx context.Context) error { return ev.d.o.Events.Judged(ctx, ev.judging.given) })
}

// save stores a last snapshot, so that the next start has little to judge. It tries once.
func (ev *evaluator) save(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	text, err := ev.judging.text()
	if err == nil {
		err = ev.d.o.State.SaveStep(ctx, Step{Bin: ev.next.Add(-ev.d.o.Bin), Judgement: text})
	}
	if err != nil {
		ev.log.Warn("the judgement is not stored; the rows since the last time will be judged again", "error", err)
	}
}

// newID returns the ID of an incident that is not the judge's.
func (ev *evaluator) newID() int64 { return int64(ev.judging.judge.NewID()) }

// audited judges the collectors by the receipts that clients named.
func (ev *evaluator) audited(ctx context.Context) (events []model.Event, ok bool) {
	t := ev.d.Thresholds()
	ok = ev.d.retry(ctx, "audit", ev.log, func(ctx context.Context) (err error) {
		events, err = ev.audit.step(ctx, ev.d.now(), &t, ev.newID)
		return err
	})
	return events, ok
}

// count updates the metrics.
func (ev *evaluator) count() {
	m, stats := ev.d.metrics, ev.judging.judge.Stats()
	m.bins.Add(float64(stats.Bins - ev.bins))
	ev.bins = stats.Bins
	m.evaluated.Set(float64(ev.next.Add(-ev.d.o.Bin).UnixMilli()) / 1000)
	m.open.Set(float64(len(ev.news.open) + len(ev.audit.open) + len(ev.silence.open) + len(ev.budgets.open)))
	m.overflow.Set(float64(stats.Dropped))
	m.pastRows.Set(float64(stats.Late))
}

// tell logs an event. The target is text from clients and is not logged.
func (ev *evaluator) tell(e *model.Event) {
	i := &e.Incident
	ev.d.metrics.incidents.WithLabelValues(e.Kind.String()).Inc()
	level := slog.LevelInfo
	if e.Kind == model.Changed {
		level = slog.LevelDebug
	}
	ev.log.Log(context.Background(), level, "incident "+e.Kind.String(), "incident", i.ID, "outcome", string(i.Outcome), "verdict", string(i.Verdict), "page", i.Page,
		"late", i.Late, "asns", i.Scope.ASNs, "servers", len(i.Scope.Servers), "failed", i.Failed, "requests", i.Requests, "clients", i.Clients)
}
