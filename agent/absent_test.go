package agent_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// TestAnAbsentAgentIsOff calls every method of an agent that could not be made.
func TestAnAbsentAgentIsOff(t *testing.T) {
	for name, a := range map[string]*agent.Agent{"nil": nil, "zero": new(agent.Agent)} {
		t.Run(name, func(t *testing.T) {
			called := map[string]bool{}
			call := func(method string, f func()) {
				called[method] = true
				defer func() {
					if v := recover(); v != nil {
						t.Errorf("%s panics: %v", method, v)
					}
				}()
				f()
			}
			nothing := func(err error) {
				if err != nil {
					t.Error(err)
				}
			}
			call("AddProbeResults", func() { a.AddProbeResults(time.Now(), new(report.ProbeResults)) })
			call("AddWindow", func() { a.AddWindow(agent.Tally{Observations: []agent.Observation{failure("shop.example")}}) })
			call("Capture", func() { a.Capture(agent.ApplicationError{Type: "x"}) })
			call("CaptureError", func() { a.CaptureError(t.Context(), errRefused) })
			call("Flush", func() { nothing(a.Flush(t.Context())) })
			call("Lost", func() { a.Lost(1) })
			call("NetworkChanged", func() { a.NetworkChanged() })
			call("Observe", func() { a.Observe(failure("shop.example")) })
			call("ObserveRef", func() { o := failure("shop.example"); a.ObserveRef(&o, time.Now(), 0) })
			call("Recover", func() { a.Recover() })
			call("Recording", func() {
				if a.Recording() {
					t.Error("it records")
				}
			})
			call("Seal", func() { a.Seal() })
			call("Sent", func() {
				all, err := a.Sent()
				if nothing(err); len(all) > 0 {
					t.Errorf("sent %v", all)
				}
			})
			call("SetConsent", func() { a.SetConsent(report.Counts); a.SetConsent(report.Off) })
			call("SettleLater", func() { a.SettleLater(func(bool) { t.Error("settled") }) })
			call("Shutdown", func() { nothing(a.Shutdown(context.Background())); nothing(a.Shutdown(context.Background())) })
			call("Stats", func() {
				if s := a.Stats(); s.Consent != report.Off || s.Observed != 0 || s.Dropped["x"] != 0 {
					t.Errorf("%+v", s)
				}
			})
			for method := range reflect.TypeFor[*agent.Agent]().Methods() {
				if method := method.Name; !called[method] {
					t.Errorf("%s is not tried", method)
				}
			}
		})
	}
}
