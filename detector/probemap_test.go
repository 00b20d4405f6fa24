package detector

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// found is a vantage's judgement of a target at noon and so many seconds.
func found(vantage, target string, sec int, j report.Judgement) model.ProbeResult {
	return model.ProbeResult{Vantage: vantage, At: noon.Add(time.Duration(sec) * time.Second), Judgement: j,
		Target: model.ProbeTarget{Name: target, Address: "192.0.2." + target + ":443", DataCentre: "north"}}
}

func newTestMap(t *testing.T) *probeMap {
	t.Helper()
	m, err := newProbeMap(2 * time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// state is what the map says of a target.
func (m *probeMap) stateOf(t *testing.T, target string) heatmap.State {
	t.Helper()
	i, ok := m.servers.Topology().ByName(target)
	if !ok {
		t.Fatalf("%s is not on the map", target)
	}
	s, _ := m.servers.State(i)
	return s
}

func TestVantageHeard(t *testing.T) {
	m := newTestMap(t)
	d := &Detector{probes: m}
	m.take([]model.ProbeResult{found("a", "1", 20, report.JudgedUp), found("a", "2", 10, report.JudgedUp)}, noon)
	m.sweep(noon.Add(2 * probeForget)) // targets are given up, vantages are not forgotten
	if at := d.VantageHeard("a"); !at.Equal(noon.Add(20 * time.Second)) {
		t.Errorf("heard at %v, want the newest", at)
	}
	if at := d.VantageHeard("b"); !at.IsZero() {
		t.Errorf("one that never was is heard at %v", at)
	}
}

func TestVantagesJudgeTogether(t *testing.T) {
	const up, down, doubt = report.JudgedUp, report.JudgedDown, report.JudgedInconclusive
	for name, c := range map[string]struct {
		judgements []report.Judgement // one of each vantage
		want       heatmap.State
	}{
		"one says up":                      {[]report.Judgement{up}, heatmap.Up},
		"one says down":                    {[]report.Judgement{down}, heatmap.Down},
		"one is in doubt":                  {[]report.Judgement{doubt}, heatmap.Unknown},
		"half of them say down":            {[]report.Judgement{down, up}, heatmap.Up},
		"two of three say down":            {[]report.Judgement{down, up, down}, heatmap.Down},
		"two of four say down":             {[]report.Judgement{down, up, down, up}, heatmap.Up},
		"those in doubt have no say":       {[]report.Judgement{down, doubt, doubt}, heatmap.Down},
		"those in doubt have none for up":  {[]report.Judgement{up, doubt, doubt}, heatmap.Up},
		"one of two that are in no doubt ": {[]report.Judgement{up, down, doubt}, heatmap.Up},
	} {
		m := newTestMap(t)
		for i, j := range c.judgements {
			m.take([]model.ProbeResult{found(string(rune('a'+i)), "1", 0, j)}, noon)
		}
		if got := m.stateOf(t, "1"); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestJudgementsLapse(t *testing.T) {
	m := newTestMap(t)
	m.take([]model.ProbeResult{found("a", "1", 0, report.JudgedDown), found("b", "1", 0, report.JudgedUp), found("c", "1", 0, report.JudgedUp)}, noon)
	m.take([]model.ProbeResult{found("a", "1", 100, report.JudgedDown)}, noon.Add(100*time.Second))
	if m.stateOf(t, "1") != heatmap.Up {
		t.Error("one of three says down")
	}
	m.sweep(noon.Add(130 * time.Second)) // b and c have not been heard of for more than two minutes
	if m.stateOf(t, "1") != heatmap.Down {
		t.Error("who is still there says down")
	}
	m.sweep(noon.Add(390 * time.Second)) // a is heard every 100 s
	if m.stateOf(t, "1") != heatmap.Down {
		t.Error("a judgement holds for three times as long as its vantage takes")
	}
	m.sweep(noon.Add(401 * time.Second))
	if m.stateOf(t, "1") != heatmap.Unknown {
		t.Error("nobody says anything any more")
	}
	m.sweep(noon.Add(25 * time.Hour))
	if _, ok := m.servers.Topology().ByName("1"); ok {
		t.Error("a target that nobody probes stays on the map")
	}
}

// What comes late or twice changes nothing.
func TestOldResultsDoNotOverrule(t *testing.T) {
	m := newTestMap(t)
	newest := found("a", "1", 60, report.JudgedUp)
	old := found("a", "1", 0, report.JudgedDown)
	old.Target.Address = "198.51.100.1:443"
	m.take([]model.ProbeResult{newest}, noon)
	m.take([]model.ProbeResult{old, newest}, noon)
	if m.stateOf(t, "1") != heatmap.Up || len(m.servers.Topology().ByAddress("192.0.2.1:443")) != 1 {
		t.Error("an old result overrules a new one")
	}
}

func TestTopologyFollowsTheTargets(t *testing.T) {
	m := newTestMap(t)
	m.take([]model.ProbeResult{found("a", "2", 0, report.JudgedDown), found("a", "1", 0, report.JudgedUp)}, noon)
	before := m.servers.Snapshot()
	if before.Topology.Len() != 2 || before.Topology.Server(0).Name != "1" {
		t.Fatalf("%d servers, the first is %q", before.Topology.Len(), before.Topology.Server(0).Name)
	}
	m.take([]model.ProbeResult{found("a", "0", 1, report.JudgedUp), {Target: model.ProbeTarget{Name: "bad", Address: "no address"}, Vantage: "a", At: noon}}, noon)
	after := m.servers.Snapshot()
	if after.Topology.Len() != 3 || after.Replaced == before.Replaced || m.stateOf(t, "2") != heatmap.Down || m.stateOf(t, "0") != heatmap.Up {
		t.Errorf("%d servers after a third has come, and one that the map refuses", after.Topology.Len())
	}
	down, known := m.ServerDown("192.0.2.2:443")
	if !down || !known {
		t.Errorf("server 2: %v %v, want it down", down, known)
	}
	if down, known := m.ServerDown("192.0.2.1:443"); down || !known {
		t.Errorf("server 1: %v %v, want it up", down, known)
	}
	if _, known := m.ServerDown("192.0.2.9:443"); known {
		t.Error("a server that nobody probes is known")
	}
}
