package agent_test

import (
	"context"
	mathrand "math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/report"
)

// TestSoak: three processes on one spool, and collectors that die, lie, stall, store without saying so and answer rubbish, each for a
// while: whatever was counted arrives, once.
func TestSoak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1", "c2", "c3")
		w.policy.RefreshSeconds = 60
		w.setPolicy(w.signed(w.signer, version(2, nil)))
		rng := mathrand.New(seeded(7))
		moods := []handler{
			w.store, w.store, refuse,
			func(ctx context.Context, u upload) agent.Response { // stalls
				select {
				case <-ctx.Done():
				case <-time.After(time.Duration(len(u.segment)) * 10 * time.Millisecond):
				}
				return agent.Response{Outcome: report.TCPTimedOut, Err: errRefused}
			},
			func(ctx context.Context, u upload) agent.Response { // stores, but its answer is lost
				w.store(ctx, u)
				return agent.Response{Outcome: report.TCPReset, Err: errRefused}
			},
			func(_ context.Context, u upload) agent.Response { // lies about another batch
				return w.says(u, privacy.Statement{Batch: report.BatchID{1}, Verdict: privacy.Stored})
			},
			func(_ context.Context, u upload) agent.Response {
				return w.says(u, privacy.Statement{Verdict: privacy.SlowDown, Reason: privacy.ReasonOverload, DelayMS: 30_000})
			},
			func(context.Context, upload) agent.Response {
				return agent.Response{Outcome: report.OK, Status: 200, Body: []byte("<html>")}
			},
		}
		memory := newMemory()
		agents := make([]*agent.Agent, 3)
		for i := range agents {
			agents[i] = start(t, w.options(memory.spool(), report.Diagnostics))
		}
		want := 0
		for minute := range 20 {
			w.setHandler("c"+strconv.Itoa(1+rng.IntN(3)), moods[rng.IntN(len(moods))])
			for range 20 {
				o := failure("h" + strconv.Itoa(rng.IntN(5)) + ".example")
				o.URL = "https://shop.example/"
				agents[rng.IntN(3)].Observe(o)
				want++
				time.Sleep(time.Duration(rng.IntN(6000)) * time.Millisecond)
			}
			if i := rng.IntN(9); i < 3 && minute%5 == 0 { // one process ends, and another begins
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				_ = agents[i].Shutdown(ctx)
				cancel()
				time.Sleep(2 * time.Second) // it may still be at it
				agents[i] = start(t, w.options(memory.spool(), report.Diagnostics))
			}
		}
		for _, c := range []string{"c1", "c2", "c3"} {
			w.setHandler(c, nil)
		}
		time.Sleep(time.Hour)
		for _, a := range agents {
			if err := a.Shutdown(t.Context()); err != nil {
				t.Errorf("shutdown: %v", err)
			}
		}
		if got := w.totals()[report.TCPRefused]; got != float64(want) {
			t.Errorf("%v failures arrived of %d", got, want)
		}
		if d := w.drops(); len(d) != 0 {
			t.Errorf("dropped %v", d)
		}
	})
}
