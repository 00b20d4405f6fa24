package prober

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

func TestBrokenVantageCallsNobodyDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 100
		all, targets := fakes(n)
		witnesses, witnessTargets := fakes(2)
		var log bytes.Buffer
		var inconclusive atomic.Int32
		p, stop := run(t, Options{Targets: targets, Witnesses: witnessTargets, Interval: 10 * time.Second, RetryInterval: time.Second,
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
			OnResult: func(_ Target, _ probe.Result, err error) {
				if errors.Is(err, ErrInconclusive) {
					inconclusive.Add(1)
				}
			}})
		after(10 * time.Second)
		if got := len(witnesses[0].probed(time.Time{})); got != 0 {
			t.Errorf("a witness was asked %d times while all was well", got)
		}
		all[3].becomes(report.TCPRefused)
		after(20 * time.Second)
		if got := p.Map().Counts(); got != (heatmap.Counts{Up: n - 1, Down: 1}) || inconclusive.Load() > 0 {
			t.Fatalf("one server fails: %+v, %d inconclusive", got, inconclusive.Load())
		}

		for _, f := range append(all, witnesses...) {
			f.becomes(report.TCPAddressUnreachable)
		}
		before := len(witnesses[0].probed(time.Time{}))
		after(time.Minute)
		if got := p.Map().Counts(); got != (heatmap.Counts{Up: n - 1, Down: 1}) || !p.vantage.inDoubt() {
			t.Errorf("the vantage is cut off: %+v, in doubt %v", got, p.vantage.inDoubt())
		}
		if asked := len(witnesses[0].probed(time.Time{})) - before; asked < 2 || asked > 61 {
			t.Errorf("the witnesses were asked %d times in a minute", asked)
		}
		if inconclusive.Load() < 500 {
			t.Errorf("%d attempts were inconclusive", inconclusive.Load())
		}

		for i, f := range append(all, witnesses...) {
			// one server was down before, one fell meanwhile, one witness stays away
			if i != 3 && i != 4 && i != n {
				f.becomes(report.OK)
			}
		}
		after(20 * time.Second)
		if got := p.Map().Counts(); got != (heatmap.Counts{Up: n - 2, Down: 2}) || p.vantage.inDoubt() {
			t.Errorf("the vantage is back: %+v, in doubt %v", got, p.vantage.inDoubt())
		}
		stop()
		if got := log.String(); strings.Count(got, "in doubt") != 1 || strings.Count(got, "answers again") != 1 {
			t.Errorf("log:\n%s", got)
		}
	})
}

// What happened before and during a time of doubt does not count when it is over.
func TestDoubtStartsTheCountAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, targets := fakes(1)
		p, stop := run(t, Options{Targets: targets, Interval: 10 * time.Second, RetryInterval: time.Second, DownAfter: 3})
		defer stop()
		after(5 * time.Second)
		all[0].becomes(report.TCPRefused)
		after(6500 * time.Millisecond) // failures at 10 and 11
		all[0].mu.Lock()
		all[0].err = errors.New("no descriptors")
		all[0].mu.Unlock()
		after(time.Second) // inconclusive at 12
		all[0].mu.Lock()
		all[0].err = nil
		all[0].mu.Unlock()
		after(9 * time.Second) // failures at 20 and 21
		if got := stateOf(p, 0); got != heatmap.Up {
			t.Errorf("the server is %v", got)
		}
		after(2 * time.Second) // at 22
		if got := stateOf(p, 0); got != heatmap.Down {
			t.Errorf("the server is %v", got)
		}
	})
}

func TestNeverProbedStaysUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, targets := fakes(1)
		all[0].err = errors.New("no descriptors")
		p, stop := run(t, Options{Targets: targets, Interval: time.Second})
		defer stop()
		after(time.Minute)
		if got := stateOf(p, 0); got != heatmap.Unknown || p.Map().Snapshot().Version != 0 {
			t.Errorf("the server is %v, version %d", got, p.Map().Snapshot().Version)
		}
	})
}

func TestPanicOfAProbeIsInconclusive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var last error
		_, stop := run(t, Options{
			Targets:  []Target{{Name: "a", Spec: probe.Custom{Func: func(context.Context) (probe.Result, error) { panic("oh") }}}},
			OnResult: func(_ Target, _ probe.Result, err error) { last = err },
		})
		after(time.Second)
		stop()
		if !errors.Is(last, ErrInconclusive) {
			t.Errorf("got %v", last)
		}
	})
}
