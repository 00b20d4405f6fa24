package prober

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

func TestFirstAttemptsAreSpreadAndThenRegular(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, interval = 100, 10 * time.Second
		all, targets := fakes(n)
		start := time.Now()
		p, stop := run(t, Options{Targets: targets, Interval: interval})
		after(interval - 1)
		if got := p.Map().Counts().Up; got != n {
			t.Errorf("%d servers are up after one interval", got)
		}
		after(2 * interval)
		stop()
		var tenths [10]int
		for i, f := range all {
			times := f.probed(start)
			if len(times) != 3 || times[1]-times[0] != interval || times[2]-times[1] != interval {
				t.Fatalf("server %d was probed at %v", i, times)
			}
			tenths[times[0]*10/interval]++
		}
		for i, count := range tenths {
			if count < 8 || count > 12 {
				t.Errorf("%d first attempts in tenth %d of the interval: %v", count, i, tenths)
			}
		}
	})
}

// Attempts come a little later than their slot, each by another time, and slots do not drift.
func TestJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, interval, rounds = 20, 10 * time.Second, 30
		all, targets := fakes(n)
		start := time.Now()
		_, stop := run(t, Options{Targets: targets, Interval: interval, Jitter: 0.1})
		after(rounds * interval)
		stop()
		for i, f := range all {
			slot, most := time.Duration(spread(i, 0)*float64(interval)), time.Duration(0)
			times := f.probed(start)
			if len(times) < rounds-1 {
				t.Fatalf("server %d was probed %d times", i, len(times))
			}
			for k, at := range times {
				late := at - slot - time.Duration(k)*interval
				if most = max(most, late); late < 0 || late > interval/10 {
					t.Fatalf("server %d was probed %v after its slot", i, late)
				}
			}
			if most < interval/40 { // as if one of 30 draws were not in the upper three quarters
				t.Errorf("server %d is never late", i)
			}
		}
	})
}

func TestDownOnlyAfterSeveralFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, targets := fakes(1)
		start := time.Now()
		p, stop := run(t, Options{Targets: targets, Interval: 10 * time.Second, RetryInterval: time.Second, DownAfter: 3})
		defer stop()
		after(5 * time.Second) // probed at 0
		all[0].becomes(report.TCPRefused)
		after(6500 * time.Millisecond) // at 10, at once again, and at 11
		if got := stateOf(p, 0); got != heatmap.Up {
			t.Errorf("after two failures the server is %v", got)
		}
		after(time.Second) // at 12
		state, since := p.Map().State(0)
		if state != heatmap.Down || since.Sub(start) != 12*time.Second {
			t.Errorf("after three failures the server is %v since %v", state, since.Sub(start))
		}
		after(14500 * time.Millisecond) // at 20, no retry, to 27
		all[0].becomes(report.OK)
		after(4 * time.Second) // at 30
		state, since = p.Map().State(0)
		if state != heatmap.Up || since.Sub(start) != 30*time.Second {
			t.Errorf("after a success the server is %v since %v", state, since.Sub(start))
		}
		if got, want := fmt.Sprint(all[0].probed(start)), "[0s 10s 10s 11s 12s 20s 30s]"; got != want {
			t.Errorf("probed at %s, want %s", got, want)
		}
	})
}

func TestSingleFailureIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, targets := fakes(1)
		var outcomes []report.Outcome
		p, stop := run(t, Options{Targets: targets, Interval: 10 * time.Second, RetryInterval: time.Second, DownAfter: 2,
			OnResult: func(_ Target, r probe.Result, _ error) { outcomes = append(outcomes, r.Outcome) }})
		for range 3 {
			after(5 * time.Second)
			all[0].becomes(report.HTTPError)
			after(5500 * time.Millisecond)
			all[0].becomes(report.OK)
			after(9500 * time.Millisecond)
			if got := stateOf(p, 0); got != heatmap.Up {
				t.Fatalf("the server is %v", got)
			}
		}
		stop()
		if !strings.HasPrefix(fmt.Sprint(outcomes), "[ok http.error http.error ok ok http.error http.error ok") {
			t.Errorf("outcomes are %v", outcomes)
		}
	})
}

func TestUpMayTakeSeveralSuccesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, targets := fakes(1)
		start := time.Now()
		all[0].becomes(report.TCPReset)
		p, stop := run(t, Options{Targets: targets, Interval: 10 * time.Second, RetryInterval: time.Second, DownAfter: 1, UpAfter: 3})
		defer stop()
		after(5 * time.Second)
		if got := stateOf(p, 0); got != heatmap.Down {
			t.Errorf("the server is %v", got)
		}
		all[0].becomes(report.OK)
		after(6500 * time.Millisecond) // at 10 and 11
		if got := stateOf(p, 0); got != heatmap.Down {
			t.Errorf("after two successes the server is %v", got)
		}
		after(time.Second)
		if got, since := p.Map().State(0); got != heatmap.Up || since.Sub(start) != 12*time.Second {
			t.Errorf("after three the server is %v since %v", got, since.Sub(start))
		}
	})
}

func TestConcurrencyAndTimeAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = 3 * time.Second
		var now, most atomic.Int32
		hang := func(ctx context.Context) (probe.Result, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != timeout {
				t.Errorf("deadline in %v", time.Until(deadline))
			}
			<-ctx.Done()
			return probe.Result{Outcome: report.TCPTimedOut}, nil
		}
		targets := make([]Target, 50)
		for i := range targets {
			targets[i] = Target{Name: fmt.Sprint(i), Spec: probe.Custom{Func: hang}}
		}
		_, stop := run(t, Options{Targets: targets, Interval: time.Second, Timeout: timeout, Concurrency: 7})
		after(20*time.Second + time.Millisecond)
		stop()
		if most.Load() != 7 || now.Load() != 0 {
			t.Errorf("%d attempts at a time, %d left at the end", most.Load(), now.Load())
		}
	})
}

// A prober that could not keep up must not make up for it in a burst.
func TestMissedSlotsAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, targets := fakes(1)
		all[0].takes = 25 * time.Second
		start := time.Now()
		_, stop := run(t, Options{Targets: targets, Interval: 10 * time.Second, Timeout: time.Minute})
		after(26 * time.Second)
		all[0].mu.Lock()
		all[0].takes = 0
		all[0].mu.Unlock()
		after(30 * time.Second)
		stop()
		if got, want := fmt.Sprint(all[0].probed(start)), "[0s 30s 40s 50s]"; got != want {
			t.Errorf("probed at %s, want %s", got, want)
		}
	})
}

func BenchmarkSweep(b *testing.B) {
	targets := make([]Target, 10_000)
	var made atomic.Int64
	done := make(chan struct{})
	for i := range targets {
		targets[i] = Target{Name: fmt.Sprint(i), Spec: probe.Custom{Func: func(context.Context) (probe.Result, error) {
			if made.Add(1) == int64(b.N) {
				close(done)
			}
			return probe.Result{Outcome: report.OK}, nil
		}}}
	}
	p, err := New(Options{Targets: targets, Interval: time.Microsecond, Concurrency: 16})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var group sync.WaitGroup
	b.ResetTimer()
	group.Go(func() { _ = p.Run(ctx) })
	<-done
	cancel()
	group.Wait()
}
