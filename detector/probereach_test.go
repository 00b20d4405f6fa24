package detector

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/detector/vantages"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// fromNetwork is found by a vantage of an autonomous system.
func fromNetwork(asn uint32, target string, sec int, j report.Judgement) model.ProbeResult {
	r := found(fmt.Sprint("vantage-", asn), target, sec, j)
	r.VantageASN, r.Outcome, r.Steps = asn, report.TCPRefused, []model.ProbeStep{{Name: "dns"}, {Name: "connect"}}
	return r
}

func TestReachIsToldOnTransitions(t *testing.T) {
	const up, down = report.JudgedUp, report.JudgedDown
	m := newTestMap(t)
	var log bytes.Buffer
	m.log = slog.New(slog.NewTextHandler(&log, nil))
	m.take([]model.ProbeResult{fromNetwork(1, "1", 0, up), fromNetwork(2, "1", 0, up), fromNetwork(3, "1", 0, up)}, noon)
	if log.Len() > 0 {
		t.Errorf("in calm: %s", &log)
	}
	m.take([]model.ProbeResult{fromNetwork(1, "1", 10, down)}, noon.Add(10*time.Second))
	if m.stateOf(t, "1") != heatmap.Up || !strings.Contains(log.String(), `msg="server is down for some vantages" server=1`) ||
		!strings.Contains(log.String(), `why="AS1 tcp.refused in connect"`) {
		t.Errorf("%v, %s", m.stateOf(t, "1"), &log)
	}
	m.take([]model.ProbeResult{fromNetwork(3, "1", 20, down)}, noon.Add(20*time.Second))
	if m.stateOf(t, "1") != heatmap.Down || !strings.Contains(log.String(), `down for all vantages" server=1`) ||
		!strings.Contains(log.String(), "AS1 tcp.refused in connect, AS3 tcp.refused in connect") {
		t.Errorf("%v, %s", m.stateOf(t, "1"), &log)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(newProbeReach(m))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, metric := range families[0].GetMetric() {
		reach, n := metric.GetLabel()[0].GetValue(), metric.GetGauge().GetValue()
		if (n == 1) != (reach == "global") || n > 1 {
			t.Errorf("%v servers are %s", n, reach)
		}
	}
	m.take([]model.ProbeResult{fromNetwork(1, "1", 30, up), fromNetwork(3, "1", 30, report.JudgedMaintenance)}, noon.Add(30*time.Second))
	if !strings.Contains(log.String(), `msg="server is up again"`) || strings.Contains(log.String(), "vantage-") {
		t.Errorf("log: %s", &log)
	}
}

// Vantages of one autonomous system have one vote.
func TestOneNetworkDoesNotTakeAServerDown(t *testing.T) {
	m := newTestMap(t)
	m.rule = vantages.Rule{Agree: 2}
	results := []model.ProbeResult{fromNetwork(7, "1", 0, report.JudgedUp)}
	for i := range 3 {
		r := fromNetwork(5, "1", 0, report.JudgedDown)
		r.Vantage = fmt.Sprint(i)
		results = append(results, r)
	}
	m.take(results, noon)
	if got := m.stateOf(t, "1"); got != heatmap.Up {
		t.Errorf("%v", got)
	}
}

// The fall of a data centre does not flood the log.
func TestReachIsToldSparingly(t *testing.T) {
	m := newTestMap(t)
	var log bytes.Buffer
	m.log = slog.New(slog.NewTextHandler(&log, nil))
	var all []model.ProbeResult
	for i := range 1000 {
		all = append(all, fromNetwork(1, fmt.Sprint(i), 0, report.JudgedDown))
	}
	m.take(all, noon)
	if n := strings.Count(log.String(), "\n"); n != reachBurst {
		t.Errorf("%d lines", n)
	}
	m.take([]model.ProbeResult{fromNetwork(1, "0", 5, report.JudgedUp)}, noon.Add(5*time.Second))
	if !strings.Contains(log.String(), "untold_before=950") {
		t.Errorf("log ends %s", log.String()[max(0, log.Len()-300):])
	}
}
