package detector

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

func TestExpectedTargetsAreOnTheMapBeforeTheirResults(t *testing.T) {
	m, err := newProbeMap(2 * time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	targets := []model.ProbeTarget{{Name: "a", Address: "192.0.2.1:1", Kind: "tcp"}, {Name: "b", Kind: "tcp", Row: "r2"}}
	m.expect(targets, start)
	if got := m.servers.Counts(); got != (heatmap.Counts{Unknown: 2}) {
		t.Errorf("before any result: %+v", got)
	}
	up := model.ProbeResult{Vantage: "v", Target: targets[0], At: start.Add(time.Second), Judgement: report.JudgedUp, Outcome: report.OK}
	m.take([]model.ProbeResult{up}, up.At)
	m.expect(targets, up.At) // again, as after a change of the configuration
	if got := m.servers.Counts(); got != (heatmap.Counts{Up: 1, Unknown: 1}) {
		t.Errorf("after a result of one: %+v", got)
	}
	moved := targets[1]
	moved.Row = "r3"
	m.expect([]model.ProbeTarget{moved}, up.At)
	if i, ok := m.servers.Topology().ByName("b"); !ok || m.servers.Topology().Server(i).Row != "r3" {
		t.Error("a target that moved is where it was")
	}
	m.sweep(start.Add(probeForget + time.Minute))
	if got := m.servers.Topology().Len(); got != 0 {
		t.Errorf("%d targets are left a day after the last word of them", got)
	}
}
