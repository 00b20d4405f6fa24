package detector_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
)

// knowing is an inbox of a collector whose clock is right, and that tells it.
type knowing struct {
	*inbox
	b *bench
}

func (k knowing) ClockSkew() (time.Duration, bool) { return -time.Duration(k.b.off.Load()), true }

// steps are those that a clock makes, and how long it stays wrong.
var steps = []struct{ by, stays time.Duration }{
	{50 * time.Minute, 6 * time.Second},
	{40 * 24 * time.Hour, 6 * time.Second},
	{-time.Hour, 6 * time.Second},
	{40 * 24 * time.Hour, 3 * time.Minute}, // longer than the detector keeps to the time before
	{-time.Hour, 3 * time.Minute},
}

// A clock that steps, and goes back or not, neither ends detection nor costs a report. What happens
// while it is wrong is found, and what happens afterwards.
func TestSteppedClocks(t *testing.T) {
	for _, local := range []bool{true, false} {
		for _, step := range steps {
			t.Run(fmt.Sprintf("%v for %v, local %v", step.by, step.stays, local), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t)
					defer func() { b.stop() }()
					b.local = local
					b.stop()
					b.feed = sameMachine{b.inbox}
					if !local {
						b.feed = knowing{b.inbox, b}
					}
					b.start()
					b.traffic(10, 0)
					b.off.Store(int64(step.by))
					b.traffic(1, 64502)
					b.condition(detector.ConditionClockStepped, "stepped by "+step.by.String())
					b.metric("clock_steps_total", 1)
					stays := int(step.stays/(2*time.Second)) - 1
					b.traffic(min(stays, 10), 64502)
					if stays > 10 {
						b.traffic(6, 0)
						time.Sleep(time.Duration(stays-16) * 2 * time.Second)
					}
					b.off.Store(0)
					if b.traffic(8, 0); stays > 60 { // until it is followed back
						time.Sleep(2 * time.Minute)
						b.traffic(8, 0)
					}
					if stays > 10 {
						b.incident("while the clock was wrong", 64502)
					}
					for _, i := range b.incidents() {
						if i.Open() {
							t.Errorf("it is open long after its end: %+v", i)
						}
					}
					before := len(b.incidents())
					b.traffic(8, 64501)
					all := b.incidents()
					if len(all) != before+1 || all[0].Scope.ASNs[0] != 64501 || !all[0].Open() {
						t.Errorf("16 s after a fault began, with a clock that is right again: %+v", all)
					}
					b.allIsThere(time.Duration(step.by))
				})
			})
		}
	}
}

// condition checks that a condition holds, and that readiness, the metric and its text name it.
func (b *bench) condition(name, text string) {
	b.Helper()
	for _, c := range b.det.Conditions() {
		if c.Name == name {
			if !strings.Contains(c.Text, text) {
				b.Errorf("%s: %q, want %q", name, c.Text, text)
			}
			b.metric("condition", 1, name, c.Feed)
			return
		}
	}
	b.Errorf("no condition %s among %+v", name, b.det.Conditions())
}

// incident checks that there was an incident of a network.
func (b *bench) incident(when string, asn uint32) {
	b.Helper()
	for _, i := range b.incidents() {
		if len(i.Scope.ASNs) == 1 && i.Scope.ASNs[0] == asn {
			return
		}
	}
	b.Errorf("%s: no incident of AS%d among %+v", when, asn, b.incidents())
}

// allIsThere checks that every request that was reported is in the store, whenever.
func (b *bench) allIsThere(step time.Duration) {
	b.Helper()
	synctest.Wait()
	total := b.total(model.TotalsQuery{Since: time.Now().Add(-2*step.Abs() - 24*time.Hour)})
	if got, want := total.OK+total.Failed, float64(2*b.number); got != want {
		b.Errorf("%v requests are stored, want %v", got, want)
	}
}
