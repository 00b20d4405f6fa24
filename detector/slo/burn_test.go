package slo

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

var threeNines = model.Objective{Target: "https://shop.example", Share: 0.999}

// outage returns the sums of a target with one request a second, all of which have failed for the
// given time.
func outage(lasts time.Duration) func(time.Duration) Sum {
	return func(w time.Duration) Sum {
		return Sum{Requests: w.Seconds(), Failed: min(w, lasts).Seconds()}
	}
}

func TestOutagePagesWithinAMinute(t *testing.T) {
	for lasts := time.Second; ; lasts += time.Second {
		if s := Judge(threeNines, outage(lasts)); s.Alert == model.ObjectivePage {
			if lasts != 52*time.Second {
				t.Errorf("after %v, want 52s", lasts)
			}
			if want := "1.44 % of the requests of an hour failed where 0.1 % may: the budget of 30 days lasts 2 days at this rate"; s.Why != want {
				t.Errorf("%q, want %q", s.Why, want)
			}
			return
		}
	}
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		name     string
		burn     float64       // multiple of the share that may fail
		from, to time.Duration // how long ago
		want     model.ObjectiveAlert
		why      string
	}{
		{"calm", 0.5, Period, 0, model.ObjectiveMet, ""},
		{"all of an hour", 20, time.Hour, 0, model.ObjectivePage, "of an hour"},
		{"over since ten minutes", 20, time.Hour, 10 * time.Minute, model.ObjectiveMet, ""},
		{"only just begun", 20, 5 * time.Minute, 0, model.ObjectiveMet, ""},
		{"six hours", 7, 6 * time.Hour, 0, model.ObjectivePage, "of 6 hours"},
		{"a day", 3.5, day, 0, model.ObjectiveTicket, "of a day"},
		{"three days", 1.2, 3 * day, 0, model.ObjectiveTicket, "of 3 days"},
		{"three days, over since seven hours", 1.5, 3 * day, 7 * time.Hour, model.ObjectiveMet, ""},
	} {
		s := Judge(threeNines, func(w time.Duration) Sum {
			hit := max(min(w, c.from)-c.to, 0)
			return Sum{Requests: 100 * w.Seconds(), Failed: 100 * hit.Seconds() * c.burn / 1000}
		})
		if s.Alert != c.want || !strings.Contains(s.Why, c.why) || (s.Why == "") != (c.want == "") {
			t.Errorf("%s: %q, %q", c.name, s.Alert, s.Why)
		}
	}
}

func TestBudget(t *testing.T) {
	for _, c := range []struct{ failed, left float64 }{{0, 1}, {500, 0.5}, {1000, 0}, {2000, -1}} {
		s := Judge(threeNines, func(time.Duration) Sum { return Sum{1e6, c.failed} })
		if math.Abs(s.BudgetLeft-c.left) > 1e-9 || s.Requests != 1e6 || s.Failed != c.failed {
			t.Errorf("%v failed: %+v", c.failed, s)
		}
		if len(s.Burn) != len(windows) || math.Abs(s.Burn[0].Rate-(1-c.left)) > 1e-9 {
			t.Errorf("%+v", s.Burn)
		}
	}
}

func TestLittleTraffic(t *testing.T) {
	night := func(w time.Duration) Sum { return Sum{Requests: 20, Failed: 9} }
	if s := Judge(threeNines, night); s.Alert != "" {
		t.Errorf("nine failed requests: %q", s.Alert)
	}
	if s := Judge(threeNines, func(time.Duration) Sum { return Sum{} }); s.Alert != "" || s.BudgetLeft != 1 {
		t.Errorf("no requests: %+v", s)
	}
}
