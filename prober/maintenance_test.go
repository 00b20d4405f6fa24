package prober

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/maintenance"
	"github.com/heliograph-net/heliograph/report"
)

// During maintenance probes go on and are marked. Afterwards a server that is still down is so only
// after as many failures as ever.
func TestMaintenance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, targets := fakes(2)
		start := time.Now()
		r, registry := &receiver{t: t}, prometheus.NewPedanticRegistry()
		p, stop := run(t, Options{Targets: targets, Interval: 10 * time.Second, RetryInterval: time.Second, DownAfter: 2, Vantage: "v", Deliver: r.take, Metrics: registry,
			Maintenance: []maintenance.Window{{Targets: maintenance.Place{Name: "s0"}, Start: start.Add(15 * time.Second), Duration: time.Minute}}})
		after(5 * time.Second)
		all[0].becomes(report.TCPRefused)
		all[1].becomes(report.TCPRefused)
		after(20 * time.Second)
		if stateOf(p, 0) != heatmap.Unknown || stateOf(p, 1) != heatmap.Down {
			t.Errorf("during maintenance s0 is %v, s1 %v", stateOf(p, 0), stateOf(p, 1))
		}
		if n := gather(t, registry)["heliograph_prober_servers_in_maintenance"]; n != 1 {
			t.Errorf("%v servers are in maintenance", n)
		}
		after(55 * time.Second) // to 80, when the window is over, and at once again
		if stateOf(p, 0) != heatmap.Unknown {
			t.Errorf("s0 is %v after one failure", stateOf(p, 0))
		}
		after(2 * time.Second)
		stop()
		if stateOf(p, 0) != heatmap.Down {
			t.Errorf("s0 is %v after maintenance", stateOf(p, 0))
		}
		var judged strings.Builder
		for _, result := range r.results["s0"] {
			judged.WriteString(result.Judgement.String()[:1])
			if result.Judgement == report.JudgedMaintenance && result.Outcome != report.TCPRefused {
				t.Errorf("%+v", result)
			}
		}
		// at 0; at 10, 10, 11 and 12; each 10 s in maintenance; at 80, 80 and 81
		if got, want := judged.String(), "uuud"+"mmmmmm"+"iid"; got != want {
			t.Errorf("judged %s, want %s", got, want)
		}
	})
}

func TestFaultyMaintenanceIsRefused(t *testing.T) {
	if _, err := New(Options{Maintenance: []maintenance.Window{{}}}); err == nil || !strings.Contains(err.Error(), "maintenance[0]") {
		t.Error(err)
	}
}
