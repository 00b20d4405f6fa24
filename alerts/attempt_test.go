package alerts_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/model"
)

// Each attempt is told of, with what came of it.
func TestAttemptsAreToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := new(memory), new(people)
		var all []alerts.Attempt
		run(t, alerts.Options{Store: m, Settings: to(p), Attempted: func(a alerts.Attempt) { all = append(all, a) }})
		p.fail(errors.New("no answer"))
		m.add(model.Opened, incident(1, "down"))
		pass(1100 * time.Millisecond)
		p.fail(nil)
		pass(time.Minute)
		if len(all) < 2 || all[0].Err == nil || all[len(all)-1].Err != nil {
			t.Fatalf("%+v", all)
		}
		for _, a := range all {
			if a.Receiver != "ops" || len(a.Message.Alerts) != 1 || a.End.Before(a.Start) || a.Start.IsZero() {
				t.Errorf("%+v", a)
			}
		}
	})
}
