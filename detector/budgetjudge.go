package detector

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// budgetHold is how long an error budget must not have been spent too fast before its incident is
// over, so that a burn rate that goes up and down is one incident.
const budgetHold = 5 * time.Minute

// budgetKey identifies an alert about error budgets. A target has one of each kind and urgency.
type budgetKey struct {
	target  string
	outcome report.Outcome // see model.BudgetOutcome
}

// budgetJudge opens and clears the incidents of error budgets that are spent too fast. They go the
// way of all incidents: through the outbox, so that none is lost or doubled. It belongs to the
// evaluator's goroutine.
type budgetJudge struct {
	open  map[budgetKey]*model.Incident
	burnt map[budgetKey]time.Time // when an open one was last seen to be spent too fast
}

func newBudgetJudge() *budgetJudge {
	return &budgetJudge{open: map[budgetKey]*model.Incident{}, burnt: map[budgetKey]time.Time{}}
}

// restore takes over its open incidents from an earlier run, and returns the incidents that are not
// its own.
func (j *budgetJudge) restore(incidents []model.Incident, now time.Time) (others []model.Incident) {
	for i := range incidents {
		inc := incidents[i].Clone()
		if inc.Verdict != model.BudgetBurns {
			others = append(others, incidents[i])
		} else if inc.Open() {
			key := budgetKey{inc.Target, inc.Outcome}
			j.open[key], j.burnt[key] = &inc, now
		}
	}
	return others
}

// step compares the incidents with how the objectives fare.
func (j *budgetJudge) step(now time.Time, all []model.ObjectiveStatus, newID func() int64) (events []model.Event) {
	for i := range all {
		s := &all[i]
		if s.Alert == model.ObjectiveMet {
			continue
		}
		key := budgetKey{s.Target, model.BudgetOutcome(&s.Objective, s.Alert)}
		if j.burnt[key] = now; j.open[key] == nil {
			events = append(events, model.Event{Kind: model.Opened, Incident: j.begin(key, s, now, newID())})
		}
	}
	keys := slices.SortedFunc(maps.Keys(j.open), func(a, b budgetKey) int {
		return cmp.Or(cmp.Compare(a.target, b.target), cmp.Compare(a.outcome, b.outcome))
	})
	for _, key := range keys {
		if now.Sub(j.burnt[key]) < budgetHold {
			continue
		}
		inc := j.open[key]
		inc.Until = later(j.burnt[key], inc.Since)
		events = append(events, model.Event{Kind: model.Cleared, Incident: inc.Clone()})
		delete(j.open, key)
		delete(j.burnt, key)
	}
	return events
}

// begin opens an incident.
func (j *budgetJudge) begin(key budgetKey, s *model.ObjectiveStatus, now time.Time, id int64) model.Incident {
	inc := &model.Incident{ID: id, App: model.ObjectiveApp, Target: key.target, Outcome: key.outcome, Verdict: model.BudgetBurns, Page: true,
		Since: now, Title: s.Why, Evidence: []model.Signal{signal(model.SignalExcess, "%.3g %% of the budget of 30 days are left", 100*s.BudgetLeft)}}
	j.open[key] = inc
	return inc.Clone()
}
