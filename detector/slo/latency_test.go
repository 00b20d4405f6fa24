package slo

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/model"
)

// A target has an objective for its availability and one for its speed. When it gets slow, only the
// latter pages.
func TestSlowness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{minutes: map[int64]Sum{}, durations: map[int64]map[time.Duration]float64{}}
		began := time.Now()
		time.Sleep(2 * day)
		s.serve(began, 0)
		now := time.Now().Truncate(time.Minute)
		for at := began; at.Before(now); at = at.Add(time.Minute) {
			s.durations[at.Truncate(time.Minute).Unix()] = map[time.Duration]float64{100 * time.Millisecond: 995, time.Second: 5}
		}
		fast := model.Objective{Target: threeNines.Target, Share: 0.99, Within: 400 * time.Millisecond}
		w, err := New(Options{Objectives: []model.Objective{fast, threeNines}, Store: s})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = w.Run(ctx) }()
		synctest.Wait()
		check := func(alert model.ObjectiveAlert, slower float64) model.ObjectiveStatus {
			t.Helper()
			all := w.Status()
			if len(all) != 2 || all[0].Within != 0 || all[1].Within != fast.Within {
				t.Fatalf("%+v", all)
			}
			if all[0].Alert != "" || all[0].BudgetLeft != 1 || all[0].Latest != (model.Percentiles{}) {
				t.Errorf("availability: %+v", all[0])
			}
			if all[1].Alert != alert || math.Abs(all[1].Failed-slower) > 1 {
				t.Errorf("speed: %+v, want %q and %v slower ones", all[1], alert, slower)
			}
			return all[1]
		}
		before := check(model.ObjectiveMet, 2*24*60*5)
		if math.Abs(before.BudgetLeft-0.5) > 0.01 || before.Requests < 2*24*60*1000-1000 {
			t.Errorf("%+v", before)
		}
		p := before.Latest
		if p.P50 < 95*time.Millisecond || p.P50 > 105*time.Millisecond || p.P99 > 105*time.Millisecond || p.P95 > p.P99 {
			t.Errorf("percentiles %+v", p)
		}

		for range 15 {
			s.mu.Lock()
			s.durations[time.Now().Truncate(time.Minute).Unix()] = map[time.Duration]float64{100 * time.Millisecond: 300, 2 * time.Second: 700}
			s.mu.Unlock()
			time.Sleep(time.Minute)
			s.serve(now, 0)
		}
		time.Sleep(every)
		synctest.Wait()
		after := check(model.ObjectivePage, 2*24*60*5+15*700)
		if !strings.Contains(after.Why, "took longer than 400ms where 1 % may") {
			t.Errorf("%q", after.Why)
		}
		if after.Latest.P95 < 1900*time.Millisecond || after.Latest.P95 > 2100*time.Millisecond {
			t.Errorf("percentiles %+v", after.Latest)
		}
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(w)
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var quantiles int
		for _, f := range families {
			if f.GetName() == "heliograph_objective_latency_seconds" {
				quantiles = len(f.GetMetric())
			}
		}
		if quantiles != 3 {
			t.Errorf("%d quantiles", quantiles)
		}
	})
}

func TestTimeLimits(t *testing.T) {
	within := func(d time.Duration) model.Objective {
		return model.Objective{Target: "https://shop.example", Share: 0.99, Within: d}
	}
	if err := Validate([]model.Objective{within(0), within(time.Second), within(2 * time.Second)}); err != nil {
		t.Error(err)
	}
	for want, objectives := range map[string][]model.Objective{
		"possible are 1ms to 10m0s":     {within(time.Hour)},
		"answered within -1s":           {within(-time.Second)},
		"two objectives within 1s":      {within(time.Second), within(time.Second)},
		"shop.example has two objectiv": {within(0), within(0)},
	} {
		if err := Validate(objectives); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
