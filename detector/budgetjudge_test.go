package detector

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// An error budget that is spent too fast is one incident for each urgency, over restarts and when
// the rate goes up and down, and is over when it is not spent too fast any more.
func TestBudgetsAreIncidents(t *testing.T) {
	ids := int64(0)
	newID := func() int64 { ids++; return ids }
	status := func(target string, alert model.ObjectiveAlert) model.ObjectiveStatus {
		return model.ObjectiveStatus{Objective: model.Objective{Target: target, Share: .999}, Alert: alert, Why: "too much fails", BudgetLeft: .5}
	}
	j := newBudgetJudge()
	step := func(minute int, all ...model.ObjectiveStatus) []model.Event {
		return j.step(noon.Add(time.Duration(minute)*time.Minute), all, newID)
	}
	if e := step(0, status("a", ""), status("b", "")); len(e) != 0 {
		t.Fatalf("%+v", e)
	}
	opened := step(1, status("a", model.ObjectivePage), status("b", model.ObjectiveTicket))
	if len(opened) != 2 || opened[0].Kind != model.Opened || !opened[0].Incident.Pages() || opened[0].Incident.Target != "a" || opened[0].Incident.Title != "too much fails" ||
		opened[0].Incident.Objective() != model.ObjectivePage || opened[1].Incident.Objective() != model.ObjectiveTicket {
		t.Fatalf("%+v", opened)
	}
	if e := step(2, status("a", model.ObjectivePage), status("b", model.ObjectiveTicket)); len(e) != 0 {
		t.Errorf("again: %+v", e)
	}
	if e := append(step(4), step(6, status("a", model.ObjectivePage), status("b", model.ObjectiveTicket))...); len(e) != 0 {
		t.Errorf("up and down: %+v", e)
	}
	slow := model.ObjectiveStatus{Objective: model.Objective{Target: "a", Share: .99, Within: time.Second}, Alert: model.ObjectivePage}
	if e := newBudgetJudge().step(noon, []model.ObjectiveStatus{status("a", model.ObjectivePage), slow}, newID); len(e) != 2 || e[1].Incident.Objective() != model.ObjectivePage {
		t.Errorf("failing and slow: %+v", e)
	}
	ids = 2
	// a restart
	j = newBudgetJudge()
	others := j.restore([]model.Incident{opened[0].Incident, {ID: 9, Target: "a"}, opened[1].Incident}, noon.Add(7*time.Minute))
	if len(others) != 1 || others[0].ID != 9 {
		t.Errorf("others: %+v", others)
	}
	if e := step(8, status("a", model.ObjectivePage), status("b", model.ObjectiveTicket)); len(e) != 0 {
		t.Errorf("after a restart: %+v", e)
	}
	// a becomes less urgent, b is over
	if e := step(9, status("a", model.ObjectiveTicket)); len(e) != 1 || e[0].Kind != model.Opened || e[0].Incident.ID != 3 {
		t.Errorf("less urgent: %+v", e)
	}
	e := step(13, status("a", model.ObjectiveTicket))
	if len(e) != 2 || e[0].Kind != model.Cleared || e[0].Incident.ID != 1 || e[1].Incident.ID != 2 || !e[1].Incident.Until.Equal(noon.Add(8*time.Minute)) {
		t.Errorf("over: %+v", e)
	}
}
