package prober

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

func nothing(context.Context) (probe.Result, error) { return probe.Result{Outcome: report.OK}, nil }

// fake is a server whose outcome a test sets, and which remembers when it was probed.
type fake struct {
	mu      sync.Mutex
	outcome report.Outcome // empty: OK
	err     error
	takes   time.Duration
	times   []time.Time
}

func (f *fake) probe(ctx context.Context) (probe.Result, error) {
	f.mu.Lock()
	f.times = append(f.times, time.Now())
	outcome, err, takes := f.outcome, f.err, f.takes
	f.mu.Unlock()
	if outcome == "" {
		outcome = report.OK
	}
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		outcome = report.TCPTimedOut
	}
	return probe.Result{Outcome: outcome, Steps: []probe.Step{{Name: "connect", Duration: takes}}}, err
}

func (f *fake) becomes(outcome report.Outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.outcome = outcome
}

// probed is when, counted from start.
func (f *fake) probed(start time.Time) []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	var since []time.Duration
	for _, t := range f.times {
		since = append(since, t.Sub(start))
	}
	return since
}

func fakes(n int) ([]*fake, []Target) {
	all, targets := make([]*fake, n), make([]Target, n)
	for i := range n {
		all[i] = &fake{}
		targets[i] = Target{Name: fmt.Sprintf("s%d", i), Spec: probe.Custom{Func: all[i].probe}}
	}
	return all, targets
}

// run starts a prober and gives what stops it and waits for it.
func run(t *testing.T, o Options) (p *Prober, stop func()) {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	return p, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func stateOf(p *Prober, i int) heatmap.State {
	s, _ := p.Map().State(i)
	return s
}

// after lets the bubble's time pass and its goroutines come to rest.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestRunEndsWithItsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails when a goroutine is left
		all, targets := fakes(20)
		for _, f := range all {
			f.takes = time.Hour
		}
		p, stop := run(t, Options{Targets: targets, Interval: time.Second, Timeout: 2 * time.Hour, Concurrency: 10})
		after(5 * time.Second)
		if err := p.Run(t.Context()); err == nil {
			t.Error("a second Run was allowed")
		}
		began := time.Now()
		stop()
		if waited := time.Since(began); waited != 0 {
			t.Errorf("Run waited %v", waited)
		}
		if got := p.Map().Counts().Unknown; got != 20 {
			t.Errorf("%d servers are unknown: a cancelled attempt counted", got)
		}
	})
}

func TestRunEndsAmidManyResults(t *testing.T) {
	for last := range 20 {
		synctest.Test(t, func(t *testing.T) { // which fails when Run hangs
			targets := make([]Target, 300)
			for i := range targets {
				targets[i] = Target{Name: fmt.Sprint(i), Spec: probe.Custom{Func: nothing}}
			}
			ctx, cancel := context.WithCancel(t.Context())
			results := 0
			p, err := New(Options{Targets: targets, Interval: time.Nanosecond, Concurrency: 2, OnResult: func(Target, probe.Result, error) {
				// all workers come to rest, with results that nobody has taken yet
				time.Sleep(time.Nanosecond)
				if results++; results == 10+last {
					cancel()
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNoTargetsIsFine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, stop := run(t, Options{})
		after(time.Hour)
		stop()
	})
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := New(Options{Interval: -1, RetryInterval: time.Hour, Timeout: -1, Concurrency: maxConcurrency + 1, DownAfter: -1, UpAfter: 101, Witnesses: make([]Target, 17)})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"interval -1ns", "retry interval 1h", "timeout -1ns", "concurrency 65537", "down after -1", "up after 101", "witnesses: 17"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q: %v", want, err)
		}
	}
	_, targets := fakes(2)
	small, err := Topology(targets[:1])
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"not in the topology": {Targets: targets, Map: heatmap.NewMap(small)},
		"listed twice":        {Targets: []Target{targets[0], targets[0]}, Map: heatmap.NewMap(small)},
		"no spec":             {Targets: []Target{{Name: "a"}}},
		"witness":             {Witnesses: []Target{{Name: "w"}}},
		"too many":            {Targets: make([]Target, heatmap.MaxServers+1)},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestMetricsNameNoTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, targets := fakes(3)
		all[1].becomes(report.TCPRefused)
		all[2].err = errors.New("no descriptors")
		registry := prometheus.NewPedanticRegistry()
		_, stop := run(t, Options{Targets: targets, Interval: 10 * time.Second, RetryInterval: time.Second, Metrics: registry})
		after(10*time.Second - 1)
		stop()
		got := gather(t, registry)
		for name, want := range map[string]float64{
			"heliograph_prober_probes_total{outcome=inconclusive}":         1,
			"heliograph_prober_probes_total{outcome=ok}":                   1,
			"heliograph_prober_probes_total{outcome=tcp.refused}":          4,
			"heliograph_prober_probe_duration_seconds":                     5,
			"heliograph_prober_inconclusive_total{cause=clock}":            0,
			"heliograph_prober_inconclusive_total{cause=machine}":          1,
			"heliograph_prober_inconclusive_total{cause=resolver}":         0,
			"heliograph_prober_inconclusive_total{cause=uplink}":           0,
			"heliograph_prober_inconclusive_total{cause=witness}":          0,
			"heliograph_prober_clock_off_seconds":                          0,
			"heliograph_prober_servers_in_maintenance":                     0,
			"heliograph_prober_servers{state=up}":                          1,
			"heliograph_prober_servers{state=down}":                        1,
			"heliograph_prober_servers{state=unknown}":                     1,
			"heliograph_prober_vantage_in_doubt":                           0,
			"heliograph_prober_lag_seconds":                                0,
			"heliograph_prober_targets_with_warning":                       0,
			"heliograph_prober_earliest_certificate_end_timestamp_seconds": 0,
		} {
			if value, ok := got[name]; !ok || value != want {
				t.Errorf("%s is %v (there: %v), want %v", name, value, ok, want)
			}
			delete(got, name)
		}
		if len(got) > 0 {
			t.Errorf("there are also %v", got)
		}
		if _, err := New(Options{Metrics: registry}); err == nil {
			t.Error("metrics were registered twice")
		}
	})
}

// gather gives every series by its name and labels; of a histogram its count.
func gather(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			name := family.GetName()
			for _, label := range metric.GetLabel() {
				name += "{" + label.GetName() + "=" + label.GetValue() + "}"
			}
			all[name] = metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + float64(metric.GetHistogram().GetSampleCount())
		}
	}
	return all
}

// The whole of it on real sockets: a server goes away and comes back.
func TestProberSeesARealServerFall(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	targets := []Target{{Name: "web", Spec: tcp(address)}}
	p, stop := run(t, Options{Targets: targets, Interval: 20 * time.Millisecond, RetryInterval: 5 * time.Millisecond})
	defer stop()
	waitFor(t, p.Map(), heatmap.Up)
	_ = listener.Close()
	waitFor(t, p.Map(), heatmap.Down)
	if !p.Map().Down(address) {
		t.Error("the map does not bear witness")
	}
	listener, err = net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	waitFor(t, p.Map(), heatmap.Up)
}

func waitFor(t *testing.T, m *heatmap.Map, want heatmap.State) {
	t.Helper()
	for late := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if s, _ := m.State(0); s == want {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("the server is not %v", want)
		}
	}
}
