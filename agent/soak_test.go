package agent_test

import (
	"context"
	"crypto/sha256"
	mathrand "math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// TestSoak: for an hour three processes share a spool, one all the time while the others end and
// begin again, and their collectors die, lie, stall and answer rubbish. All that was counted
// arrives, once; memory stays flat; no goroutine is left.
func TestSoak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const minutes, quarter, most = 60, 15, 128 << 10
		s := newSoak(t)
		var heaps []uint64
		for minute := 1; minute <= minutes; minute++ {
			s.minute(minute)
			if minute%quarter == 0 {
				s.recover()
				heaps = append(heaps, heap())
			}
		}
		s.stop()
		for i, h := range heaps[1:] {
			if h > heaps[0]+most { // the user's log of what was sent grows to 64 KiB
				t.Errorf("%d bytes in use after quarter %d of the hour, %d after the first", h, i+2, heaps[0])
			}
		}
		t.Logf("%d failures in %d segments; bytes in use by quarter: %d", s.observed, len(s.known), heaps)
		synctest.Wait()
		if left := agentGoroutines(); left != "" {
			t.Errorf("goroutines are left:\n%s", left)
		}
	})
}

// agentGoroutines are the stacks that have a method of one of the agent's parts in them.
func agentGoroutines() (left string) {
	stacks := make([]byte, 1<<20)
	for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(stack, "heliograph/agent.(*") {
			left += stack + "\n\n"
		}
	}
	return left
}

// heap is what is in use once garbage is gone.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools let go of
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// soak is a long bad time for the agents on one spool.
type soak struct {
	*world
	rng      *mathrand.Rand
	moods    []handler
	memory   *memory
	agents   []*agent.Agent
	observed int

	arrived float64
	known   map[report.BatchID][32]byte // what has arrived, and was forgotten
}

func newSoak(t *testing.T) *soak {
	s := &soak{world: newWorld(t, "c1", "c2", "c3"), rng: mathrand.New(seeded(7)), memory: newMemory(),
		known: make(map[report.BatchID][32]byte, 10_000)} // it does not grow
	s.policy.RefreshSeconds = 60
	s.moods = append(s.moods, s.store, refuse, s.stall, s.loseAnswer, s.garble)
	for _, lie := range []receipt.Statement{
		{Batch: report.BatchID{1}, Decision: receipt.Stored},
		{Body: [32]byte{1}, Decision: receipt.Stored},
		{Decision: receipt.SlowDown, Reason: receipt.ReasonOverload, DelayMS: 30_000},
	} {
		s.moods = append(s.moods, func(_ context.Context, u upload) agent.Response { return s.says(u, lie) })
	}
	// another's signature
	s.moods = append(s.moods, func(_ context.Context, u upload) agent.Response {
		u.collector = map[string]string{"c1": "c2", "c2": "c3", "c3": "c1"}[u.collector]
		return s.says(u, receipt.Statement{Decision: receipt.Stored})
	})
	for range 3 {
		s.agents = append(s.agents, s.begin())
	}
	return s
}

func (s *soak) begin() *agent.Agent {
	a, err := agent.New(s.options(s.memory.spool(), report.Diagnostics))
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// stall keeps the agent waiting, for minutes if it lets itself.
func (s *soak) stall(ctx context.Context, _ upload) agent.Response {
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Minute):
	}
	return agent.Response{Outcome: report.TCPTimedOut, Err: errRefused}
}

// loseAnswer takes an upload, and nobody hears of it.
func (s *soak) loseAnswer(ctx context.Context, u upload) agent.Response {
	s.store(ctx, u)
	return agent.Response{Outcome: report.TCPReset, Err: errRefused}
}

// garble answers with rubbish: a page, noise, a receipt that was cut or bent.
func (s *soak) garble(_ context.Context, u upload) agent.Response {
	signed := s.says(u, receipt.Statement{Decision: receipt.Stored}).Body
	s.mu.Lock()
	defer s.mu.Unlock()
	r := agent.Response{Outcome: report.OK, Status: 200, RetryAfter: time.Duration(s.rng.Int64()), Body: signed[:s.rng.IntN(len(signed))]}
	switch s.rng.IntN(4) {
	case 0:
		r.Body = []byte("<html>Welcome! Please sign in.</html>")
	case 1:
		r.Body = make([]byte, s.rng.IntN(receipt.MaxSize))
		for i := range r.Body {
			r.Body[i] = byte(s.rng.Uint32())
		}
	case 2:
		signed[s.rng.IntN(len(signed))] ^= 1 << s.rng.IntN(8)
		r.Body = signed
	}
	return r
}

// minute is one of them: somebody's mood changes, requests fail, a policy is good or bad, and now
// and then a process ends.
func (s *soak) minute(n int) {
	s.setHandler("c"+strconv.Itoa(1+s.draw(3)), s.moods[s.draw(len(s.moods))])
	switch s.draw(4) {
	case 0:
		s.setPolicy(s.signed(s.signer, version(uint64(n), nil)))
	case 1: // a stranger's
		s.setPolicy(s.signed(newKey(9), version(1000, func(p *policy.Policy) { p.Disabled = true })))
	case 2:
		s.setPolicy([]byte("<html>"))
	}
	for range 20 {
		o := failure("h" + strconv.Itoa(s.draw(5)) + ".example")
		o.URL = "https://shop.example/"
		// most is the first one's, which lives all the time
		s.agents[max(s.draw(5)-2, 0)].Observe(o)
		s.observed++
		time.Sleep(time.Duration(s.draw(6000)) * time.Millisecond)
	}
	if i := s.draw(9); i > 0 && i < len(s.agents) {
		ctx, cancel := context.WithTimeout(s.t.Context(), time.Duration(s.draw(3))*time.Second)
		_ = s.agents[i].Shutdown(ctx)
		cancel()
		s.checkAgent(s.agents[i])
		time.Sleep(2 * time.Second) // it may still be at it
		s.agents[i] = s.begin()
	}
}

func (s *soak) draw(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.IntN(n)
}

// recover lets all be well for an hour, and looks whether everything has arrived.
func (s *soak) recover() {
	for _, c := range s.policy.Collectors {
		s.setHandler(c.ID, nil)
	}
	time.Sleep(time.Hour)
	s.forget()
	if s.arrived != float64(s.observed) {
		s.t.Errorf("%v failures arrived of %d", s.arrived, s.observed)
	}
	if n := segments(s.memory); n != 0 {
		s.t.Errorf("%d segments stay", n)
	}
}

// forget adds up what has arrived and keeps no more of it than its name.
func (s *soak) forget() {
	for outcome, n := range s.totals() {
		if outcome != report.TCPRefused {
			s.t.Errorf("%v requests arrived that ended in %s", n, outcome)
		}
	}
	if d := s.drops(); len(d) != 0 {
		s.t.Errorf("dropped %v", d)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, segment := range s.received {
		sum := sha256.Sum256(segment)
		if old, ok := s.known[id]; ok && old != sum {
			s.t.Errorf("batch %v came with two bodies", id)
		} else if ok {
			continue // the same once more, which a store tells by its id
		}
		s.known[id] = sum
		for _, win := range s.openSegment(id, segment).windows {
			for _, c := range win.Counters {
				s.arrived += float64(c.Count)
			}
		}
	}
	clear(s.received)
	s.uploads, s.fetches, s.etags = nil, nil, nil
}

func (s *soak) checkAgent(a *agent.Agent) {
	if st := a.Stats(); st.Panics != 0 || len(st.Dropped) != 0 {
		s.t.Errorf("an agent ended as %+v", st)
	}
}

func (s *soak) stop() {
	for _, a := range s.agents {
		if err := a.Shutdown(s.t.Context()); err != nil {
			s.t.Errorf("shutdown: %v", err)
		}
		s.checkAgent(a)
	}
}
