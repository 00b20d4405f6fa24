package slo

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// store has the requests of every minute, by the end of the minute.
type store struct {
	mu      sync.Mutex
	minutes map[int64]Sum
	broken  bool
	queries int

	durations map[int64]map[time.Duration]float64 // of the requests of every minute, by its start
}

func (s *store) Latencies(_ context.Context, q model.LatencyQuery) (all []model.LatencyStep, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return nil, errors.New("disk is gone")
	}
	steps := map[int64]*model.Latency{}
	for minute, durations := range s.durations {
		at := time.Unix(minute, 0).Truncate(q.Step)
		if at.Before(q.Since) || !at.Before(q.Until) {
			continue
		}
		if steps[at.Unix()] == nil {
			steps[at.Unix()] = new(model.Latency)
		}
		for d, n := range durations {
			steps[at.Unix()].Add(report.Histogram{{Index: report.HistogramIndex(d), Count: 1}}, n)
		}
	}
	for at, l := range steps {
		all = append(all, model.LatencyStep{At: time.Unix(at, 0), Target: threeNines.Target, Latency: *l})
	}
	return all, nil
}

func (s *store) Totals(_ context.Context, q model.TotalsQuery) ([]model.Total, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queries++
	if s.broken {
		return nil, errors.New("disk is gone")
	}
	row := model.Total{Key: model.Series{Target: threeNines.Target}}
	for end, m := range s.minutes {
		if end > q.Since.Unix() && end <= q.Until.Unix() {
			row.OK += m.Requests - m.Failed
			row.Failed += m.Failed
		}
	}
	return []model.Total{row, {Key: model.Series{Target: "https://other.example"}, Failed: 1e9}}, nil
}

// serve counts requests of the minutes that end between from and now.
func (s *store) serve(from time.Time, failed float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().Unix()
	for end := from.Unix()/60*60 + 60; end <= now; end += 60 {
		s.minutes[end] = Sum{1000, failed}
	}
}

func (s *store) fail(broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = broken
}

func (s *store) amend(end int64, m Sum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.minutes[end] = m
}

func newWatcher(t *testing.T, s *store) *Watcher {
	t.Helper()
	w, err := New(Options{Objectives: []model.Objective{threeNines}, Store: s})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func status(t *testing.T, w *Watcher) model.ObjectiveStatus {
	t.Helper()
	all := w.Status()
	if len(all) != 1 {
		t.Fatalf("%v", all)
	}
	return all[0]
}

func TestWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{minutes: map[int64]Sum{}}
		began := time.Now()
		time.Sleep(2 * day)
		s.serve(began, 0)
		w := newWatcher(t, s)
		if w.Status() != nil {
			t.Error("a status before the first reading")
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		synctest.Wait()
		if got := status(t, w); got.Requests != 2*24*60*1000 || got.Alert != "" {
			t.Fatalf("%+v", got)
		}

		time.Sleep(time.Second) // the readings are at other instants than what follows
		fault := time.Now()
		time.Sleep(3 * time.Minute)
		s.serve(fault, 1000)
		time.Sleep(every)
		synctest.Wait()
		if got := status(t, w); got.Alert != model.ObjectivePage || got.Failed != 3000 {
			t.Fatalf("%+v", got)
		}

		s.fail(true)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := status(t, w); got.Failed != 3000 {
			t.Errorf("while the store is broken: %+v", got)
		}
		s.fail(false)
		s.serve(fault.Add(3*time.Minute), 0)
		s.amend(fault.Unix()/60*60+60, Sum{1000, 400}) // successes that were reported late
		time.Sleep(every)
		synctest.Wait()
		if got := status(t, w); got.Failed != 2400 || got.Alert != model.ObjectivePage {
			t.Errorf("right afterwards: %+v", got)
		}
		over := time.Now()
		time.Sleep(31 * time.Minute)
		s.serve(over, 0)
		time.Sleep(every)
		synctest.Wait()
		if got := status(t, w); got.Failed != 2400 || got.Alert != "" {
			t.Errorf("half an hour later: %+v", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestReadingsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{minutes: map[int64]Sum{}}
		time.Sleep(Period)
		w := newWatcher(t, s)
		if err := w.read(t.Context(), time.Now()); err != nil || s.queries != 30*24+6*60 {
			t.Errorf("the first reading: %d queries, %v", s.queries, err)
		}
		s.queries = 0
		time.Sleep(every)
		if err := w.read(t.Context(), time.Now()); err != nil || s.queries > 2+amended {
			t.Errorf("the next one: %d queries, %v", s.queries, err)
		}
	})
}

func TestOptions(t *testing.T) {
	if _, err := New(Options{}); err == nil {
		t.Error("no store is no error")
	}
	_, err := New(Options{Store: &store{}, Objectives: []model.Objective{promise("a", 1), promise("", 0.9), promise("b", 0.9), promise("b", 0.99)}})
	for _, want := range []string{"requests to a that succeed must be above 0 and below 1", "has no target", "b has two objectives"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if _, err := New(Options{Store: &store{}, Objectives: make([]model.Objective, MaxObjectives+1)}); err == nil {
		t.Error("too many objectives are no error")
	}
	w, err := New(Options{Store: &store{}})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err != nil || w.Run(ended) != nil || len(w.Status()) != 0 {
		t.Errorf("without objectives: %v", err)
	}
}

func TestMetrics(t *testing.T) {
	s := &store{minutes: map[int64]Sum{}}
	w := newWatcher(t, s)
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(w); err != nil {
		t.Fatal(err)
	}
	s.serve(time.Now().Add(-5*time.Hour), 500)
	if err := w.read(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range families {
		for _, m := range f.Metric {
			line := f.GetName()
			for _, l := range m.Label {
				if l.GetValue() != "" { // for Prometheus, an empty label is none
					line += " " + l.GetValue()
				}
			}
			if m.Gauge.GetValue() > 0 {
				line += " +"
			}
			got = append(got, strings.ReplaceAll(line, threeNines.Target, "T"))
		}
	}
	all := strings.Join(got, "\n")
	for _, want := range []string{"heliograph_objective_alert page T +", "heliograph_objective_alert ticket T", "heliograph_objective_budget_left T",
		"heliograph_objective_burn_rate T 30d +", "heliograph_objective_burn_rate T 5m +"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if len(got) != 2+1+len(windows) {
		t.Errorf("%d metrics:\n%s", len(got), all)
	}
}

func promise(target string, share float64) model.Objective {
	return model.Objective{Target: target, Share: share}
}
