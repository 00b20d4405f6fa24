package detector

import (
	"context"
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
)

const (
	// recalled is how far back a restart considers ended incidents.
	recalled = overFor
	// least time between two snapshots, and the greatest part of the time that they may take
	snapshotEvery = time.Minute
	snapshotPart  = 0.005
	probesRecall  = 5 * time.Minute
)

// snapshotTimes decides when a snapshot is due. Its times are those of a monotonic clock.
type snapshotTimes struct{ next time.Duration }

func (s *snapshotTimes) due(now time.Duration) bool { return now >= s.next }

// took records that a snapshot was taken, and how long it took.
func (s *snapshotTimes) took(now, cost time.Duration) {
	s.next = now + max(snapshotEvery, time.Duration(float64(cost)/snapshotPart))
}

// restore continues from the stored judgement. Without one, it learns from the sums in the store.
// The first step judges the rows that wait in the store.
func (ev *evaluator) restore(ctx context.Context) error {
	state, now := ev.d.o.State, ev.d.now()
	text, err := state.Judgement(ctx)
	if err != nil {
		return err
	}
	last, err := state.LastIncident(ctx)
	if err != nil {
		return err
	}
	stored, err := state.Incidents(ctx, now.Add(-recalled))
	if err != nil {
		return err
	}
	ev.audit = newAuditJudge(ev.d.audit, ev.d.metrics)
	ev.silence = newVantageJudge(ev.d.probes, ev.d.o.VantageSilent, now)
	ev.budgets = newBudgetJudge()
	ev.news = newNews(ev.budgets.restore(ev.silence.restore(ev.audit.restore(stored)), now))
	ev.tuned = ev.d.Thresholds()
	if len(text) > 0 {
		if ev.judging, err = restoreJudging(ev.options(), int64(ev.d.o.Lapse), text); err != nil {
			ev.log.Warn("what is usual is learned anew from the sums in the store", "error", err)
			text = nil
		}
	}
	if len(text) == 0 {
		if err := ev.coldStart(ctx, now, judgement.ID(last)); err != nil {
			return err
		}
	}
	ev.judging.judge.IDsAfter(judgement.ID(last))
	ev.next = ev.align(ev.judging.line.real(ev.judging.now).Add(-ev.d.o.Grace))
	if ev.judging.now == 0 {
		ev.next = ev.align(now)
	}
	err = ev.d.o.Events.LatestProbes(ctx, now.Add(-probesRecall), func(r model.ProbeResult) error {
		ev.judging.addProbe(&r)
		return nil
	})
	if errors.Is(err, model.ErrAway) {
		ev.log.Warn("judging begins without the latest results of probes", "error", err)
		return nil
	}
	return err
}

// options returns the judge's options.
func (ev *evaluator) options() judgement.Options {
	o := ev.tuned.options()
	lapse := time.Duration(ev.d.o.Lapse)
	o.Bin, o.Grace, o.NetworkName = ev.d.o.Bin*lapse, ev.d.o.Grace*lapse, ev.d.o.NetworkName
	o.Within = func(target string) time.Duration { return ev.d.o.Timed[target] }
	return o
}

// coldStart learns what is usual from the sums in the store. Incidents that the judge finds in them
// are not reported unless they continue. Incidents in the store continue under their IDs.
func (ev *evaluator) coldStart(ctx context.Context, now time.Time, lastID judgement.ID) error {
	j, err := newJudging(ev.options(), int64(ev.d.o.Lapse))
	if err != nil {
		return err
	}
	j.judge.IDsAfter(lastID)
	keeper, events, width := ev.d.keeper, ev.d.o.Events, ev.d.o.Bin
	keeper.mu.Lock() // so that the sums contain exactly the rows that have a number
	defer keeper.mu.Unlock()
	if _, j.given, err = events.Unjudged(ctx, 0); err != nil {
		return err
	}
	given := j.given
	last := time.Time{} // the last bin with requests
	for end := ev.align(now).Add(-coldBins * width); end.Before(now.Add(width)); end = end.Add(width) {
		cells, err := events.Cells(ctx, end.Add(-width), end)
		if errors.Is(err, model.ErrAway) {
			ev.log.Warn("judging begins without the sums in the store: what is usual is learned from now on", "error", err)
			given = 0 // what waits is in no sum that was read
			break
		}
		if err != nil {
			return err
		}
		if len(cells) == 0 {
			continue
		}
		spread := width
		if gap := end.Sub(last); gap <= coldSpread { // bins were wider before
			spread = gap
		}
		j.learn(cells, spread)
		last = end
	}
	j.given = given
	ev.news.carry(j.judge)
	ev.judging = j
	return nil
}
