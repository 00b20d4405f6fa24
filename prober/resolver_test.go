package prober

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// A prober whose own name servers are dead says nothing about its targets. A target that is a name
// server itself fails in a later step, and that counts.
func TestOwnResolverIsNotTheTargets(t *testing.T) {
	for step, want := range map[string]heatmap.State{probe.StepDNS: heatmap.Unknown, "query": heatmap.Down} {
		synctest.Test(t, func(t *testing.T) {
			unreachable := func(context.Context) (probe.Result, error) {
				return probe.Result{Outcome: report.DNSUnreachable, Steps: []probe.Step{{Name: step, Duration: time.Millisecond}}}, nil
			}
			var last error
			p, stop := run(t, Options{
				Targets: []Target{{Name: "shop", Spec: probe.Custom{Func: unreachable}}}, Interval: time.Second, DownAfter: 2,
				OnResult: func(_ Target, _ probe.Result, err error) { last = err },
			})
			after(10 * time.Second)
			stop()
			if got := stateOf(p, 0); got != want {
				t.Errorf("in step %s: %v, want %v", step, got, want)
			}
			if own := errors.Is(last, ErrInconclusive) && strings.Contains(last.Error(), "name server of this machine"); own != (want == heatmap.Unknown) {
				t.Errorf("in step %s: %v", step, last)
			}
		})
	}
}
