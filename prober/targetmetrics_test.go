package prober

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/report"
)

func TestMetricsOfTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, targets := fakes(4)
		all[0].takes = 250 * time.Millisecond
		all[1].becomes(report.TCPRefused)
		all[2].err = errors.New("no descriptors")
		registry := prometheus.NewPedanticRegistry()
		p, stop := run(t, Options{Targets: targets, Interval: 10 * time.Second, RetryInterval: time.Second, Metrics: registry, TargetMetrics: 3})
		defer stop()
		after(10*time.Second - 1)
		got := gather(t, registry)
		maps.DeleteFunc(got, func(name string, _ float64) bool { return len(name) < 25 || name[:25] != "heliograph_prober_target_" })
		want := map[string]float64{
			"heliograph_prober_target_up{target=s0}":                                   1,
			"heliograph_prober_target_up{target=s1}":                                   0,
			"heliograph_prober_target_attempt_duration_seconds{target=s0}":             0.25,
			"heliograph_prober_target_attempt_duration_seconds{target=s1}":             0,
			"heliograph_prober_target_attempt_duration_seconds{target=s2}":             0,
			"heliograph_prober_target_attempts_total{outcome=ok}{target=s0}":           1,
			"heliograph_prober_target_attempts_total{outcome=tcp.refused}{target=s1}":  4,
			"heliograph_prober_target_attempts_total{outcome=inconclusive}{target=s2}": 1,
			"heliograph_prober_target_metrics_left_out":                                1,
		}
		if !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if err := p.Reload(Settings{Targets: targets[:1], Interval: 10 * time.Second}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		got = gather(t, registry)
		if _, there := got["heliograph_prober_target_up{target=s1}"]; there || got["heliograph_prober_target_attempts_total{outcome=ok}{target=s0}"] != 1 {
			t.Errorf("after a reload: %v", slices.Sorted(maps.Keys(got)))
		}
	})
}

// However many outcomes a target has, it has few series.
func TestMetricsOfATargetAreBounded(t *testing.T) {
	m := newTargetMetrics(1)
	s := &server{target: &Target{Name: "a"}}
	m.keep([]*server{s, {target: &Target{Name: "b"}}})
	for i := range 100 {
		s.result.Outcome = report.Outcome(fmt.Sprintf("tcp.x%d", i))
		m.attempt(s)
	}
	m.attempt(&server{target: &Target{Name: "b"}})
	if got := m.all["a"].attempts; len(got) != maxTargetOutcomes+1 || got[otherOutcome] != 92 || len(m.all) != 1 {
		t.Errorf("%v", got)
	}
}
