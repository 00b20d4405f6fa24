package detector

import (
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

func TestVantagesNobodyExpects(t *testing.T) {
	m := newTestMap(t)
	ids := int64(0)
	newID := func() int64 { ids++; return ids }
	j := newVantageJudge(m, 15*time.Minute, noon)
	step := func(minutes int, gap bool, vantages ...string) []model.Event {
		return j.step(noon.Add(time.Duration(minutes)*time.Minute), gap, vantages, newID)
	}
	if e := step(15, false, "a"); len(e) != 0 {
		t.Errorf("%+v", e)
	}
	// one that never delivered counts from the detector's own start
	opened := step(16, false, "a")
	if len(opened) != 1 || opened[0].Kind != model.Opened || !opened[0].Incident.Since.Equal(noon) || !strings.Contains(opened[0].Incident.Evidence[0].Text, "since this detector began") {
		t.Fatalf("%+v", opened)
	}
	cleared := step(17, false)
	if len(cleared) != 1 || cleared[0].Kind != model.Cleared || cleared[0].Incident.ID != opened[0].Incident.ID {
		t.Errorf("one that is expected no more: %+v", cleared)
	}
	m.take([]model.ProbeResult{found("b", "1", 0, report.JudgedUp)}, noon)
	if e := step(20, true, "b"); len(e) != 0 {
		t.Errorf("after a gap in which nothing was read: %+v", e)
	}
	opened = step(36, false, "b")
	if len(opened) != 1 || !opened[0].Incident.Since.Equal(noon) {
		t.Errorf("%+v, want it to begin with the last result", opened)
	}
	others := j.restore([]model.Incident{opened[0].Incident, {ID: 7, App: "shop", Target: "vantage:b"}})
	if len(others) != 1 || others[0].ID != 7 {
		t.Errorf("%+v", others)
	}
}
