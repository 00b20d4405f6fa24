package natsledger

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
)

// TestAnswersHoldForATime: a detector that could not read the ledger for some time has no answers,
// before another one may take over what it told of.
func TestAnswersHoldForATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := New(Options{Member: "d1", Servers: []string{"nats://127.0.0.1:1"}})
		if err != nil {
			t.Fatal(err)
		}
		faults := []alerts.Fault{incident("a1", time.Now())}
		l.standings["a1"] = standing{own("a1", "1", nil), time.Now()}
		time.Sleep(valid - time.Second)
		if got := l.Agree(faults); !got["a1"].Own {
			t.Errorf("answers are %+v", got)
		}
		time.Sleep(time.Second)
		if got := l.Agree(faults); len(got) > 0 {
			t.Errorf("answers are %+v", got)
		}
		// a host that was suspended: its monotonic clock stood still
		l.standings["a1"] = standing{own("a1", "1", nil), time.Now().Round(0).Add(-time.Minute)}
		if got := l.Agree(faults); len(got) > 0 {
			t.Errorf("answers are %+v", got)
		}
		if valid+beatEvery+syncEvery >= silent {
			t.Errorf("an answer holds for %v, and others take over after %v", valid, silent)
		}
	})
}
