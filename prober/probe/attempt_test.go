package probe_test

import (
	"context"
	"errors"
	"reflect"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

func unknown(string, error) report.Outcome { return report.Unknown }

func TestAttemptKeepsTheTimeOfItsSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := probe.Begin()
		time.Sleep(time.Hour) // before the first step: counts for none
		a.Enter("one")
		time.Sleep(time.Second)
		a.Enter("two")
		time.Sleep(2 * time.Second)
		a.Enter("one")
		time.Sleep(4 * time.Second)
		r, err := a.End(t.Context(), nil, unknown)
		if err != nil || r.Outcome != report.OK || r.Ended() != "one" || r.Total() != 7*time.Second {
			t.Errorf("%+v, %v", r, err)
		}
		if r.Step("one") != 5*time.Second || r.Step("two") != 2*time.Second || r.Step("three") != 0 {
			t.Errorf("steps %+v", r.Steps)
		}
	})
}

func TestAttemptWithoutStep(t *testing.T) {
	r, err := probe.Begin().End(t.Context(), errors.New("no"), func(step string, _ error) report.Outcome {
		return report.Outcome("in" + step)
	})
	if err != nil || r.Outcome != "in" || r.Ended() != "" || r.Total() != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAttemptKeepsTheOutcomeItWasGiven(t *testing.T) {
	a := probe.Begin()
	a.Result.Outcome = report.HTTPError
	if r, err := a.End(t.Context(), nil, unknown); err != nil || r.Outcome != report.HTTPError {
		t.Errorf("%+v, %v", r, err)
	}
}

// A deadline that passed is the target's failure; a cancelled attempt, or one that this machine
// could not make, is no result.
func TestWhatIsNoResult(t *testing.T) {
	over, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if r, err := probe.Begin().End(over, over.Err(), unknown); err != nil || r.Outcome != report.Unknown {
		t.Errorf("past its deadline: %+v, %v", r, err)
	}
	cancelled, stop := context.WithCancel(t.Context())
	stop()
	for want, ctx := range map[error]context.Context{
		context.Canceled: cancelled, syscall.EMFILE: t.Context(), syscall.EADDRNOTAVAIL: t.Context(), syscall.EPERM: t.Context(),
	} {
		r, err := probe.Begin().End(ctx, want, unknown)
		if !errors.Is(err, want) || !reflect.DeepEqual(r, probe.Result{}) {
			t.Errorf("%v: %+v, %v", want, r, err)
		}
	}
}

func TestCustomNeedsAFunc(t *testing.T) {
	if _, err := (probe.Custom{}).Probe(probe.Env{}); err == nil {
		t.Error("no error")
	}
	if c := (probe.Custom{Listen: "a:1"}); c.Kind() != "custom" || c.Address() != "a:1" {
		t.Errorf("kind %q at %q", c.Kind(), c.Address())
	}
}
