package agent_test

import (
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/report"
)

// TestDropsOfTheSpoolAreTold, those of an earlier process too: of many short-lived ones offline,
// each drops what one before it has left, and ends before it has anything more to say.
func TestDropsOfTheSpoolAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setHandler("c1", refuse)
		kept := &memory{kept: agenttest.NewBoundedSpool(agenttest.Bounds{MaxSegments: 3, MaxAge: time.Hour}), names: make(map[string]bool)}
		run := func() *agent.Agent {
			a := start(t, w.options(kept.spool(), report.Counts))
			a.Observe(failure("shop.example"))
			_ = a.Shutdown(t.Context())
			return a
		}
		for range 5 {
			run() // the last two have to make room
		}
		time.Sleep(2 * time.Hour)
		run()
		w.setHandler("c1", nil)
		run()
		run()
		// The fourth run dropped one, which the fifth told in a segment that expired; the fifth and
		// the sixth dropped one each, the sixth two more.
		want := map[string]uint64{report.DropSpoolFull: 2, report.DropExpired: 2}
		if got := w.drops(); !maps.Equal(got, want) {
			t.Errorf("headers tell of %v, want %v", got, want)
		}
		if got := w.totals()[report.TCPRefused]; got != 3 {
			t.Errorf("%v failures arrived of 8, want the 3 that were not dropped", got)
		}
		if left := kept.blobs()["drops"]; len(left) != 0 {
			t.Errorf("%q is still to be told", left)
		}
	})
}

// TestDropsOfBeforeConsentAreForgotten: they speak of what the user wants forgotten.
func TestDropsOfBeforeConsentAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		kept := newMemory()
		kept.setFail(agent.ErrSpoolFull)
		a := start(t, w.options(kept.spool(), report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		kept.setFail(nil)
		_ = a.Shutdown(t.Context())
		if len(kept.blobs()["drops"]) == 0 {
			t.Fatal("nothing is left to tell")
		}
		b := start(t, w.options(kept.spool(), report.Off))
		b.SetConsent(report.Counts)
		b.Observe(failure("shop.example"))
		if err := b.Flush(t.Context()); err != nil || len(w.drops()) != 0 {
			t.Errorf("%v, headers tell of %v, want nothing of before", err, w.drops())
		}
	})
}
