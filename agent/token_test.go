package agent_test

import (
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// tokens are the distinct client tokens that arrived, in the order of arrival.
func (w *world) tokens() (out [][16]byte) {
	for _, u := range w.seen() {
		for _, h := range w.openSegment(u.id, u.segment).headers {
			if !slices.Contains(out, h.Client) {
				out = append(out, h.Client)
			}
		}
	}
	return out
}

// TestTokenRotatesAtMidnight of UTC, whatever the local time: to the second, for all processes of a
// device alike, and without a segment that has both.
func TestTokenRotatesAtMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.policy.WindowMS = 1000
		memory := newMemory()
		one, two := start(t, w.options(memory.spool(), report.Counts)), start(t, w.options(memory.spool(), report.Counts))
		tell := func(at time.Time, a *agent.Agent) {
			time.Sleep(time.Until(at))
			a.Observe(failure("shop.example"))
			time.Sleep(5 * time.Second) // ended and delivered
		}
		// a bubble begins at one
		midnight := time.Now().UTC().Truncate(24 * time.Hour).Add(48 * time.Hour)
		tell(midnight.Add(-20*time.Second), one)
		tell(midnight.Add(-10*time.Second), two)
		if got := w.tokens(); len(got) != 1 {
			t.Fatalf("%d tokens before midnight, want one for both processes", len(got))
		}
		// what is sealed before midnight is delivered after it, together with what is sealed then
		w.setHandler("c1", refuse)
		time.Sleep(time.Until(midnight.Add(-2 * time.Second)))
		one.Observe(failure("shop.example"))
		time.Sleep(3 * time.Second)
		one.Observe(failure("shop.example"))
		time.Sleep(2 * time.Second)
		w.setHandler("c1", nil)
		tell(midnight.Add(time.Minute), two)
		time.Sleep(10 * time.Minute)
		got := w.tokens()
		if len(got) != 2 || got[0] == ([16]byte{}) || got[1] == ([16]byte{}) {
			t.Errorf("tokens %x, want one for each day", got)
		}
		for _, b := range w.batches() {
			for _, h := range b.headers {
				if h.Client != b.headers[0].Client {
					t.Errorf("segment %v links two days", b.id)
				}
			}
		}
		if state := memory.blobs()["client"]; len(got) == 2 && (slices.Equal(state[8:], got[0][:]) || !slices.Equal(state[8:], got[1][:])) {
			t.Errorf("the spool keeps %x, want the second day's token alone", state)
		}
	})
}

// source is randomness that a test can exchange.
type source struct {
	mu sync.Mutex
	io.Reader
}

func (s *source) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Reader.Read(p)
}

func (s *source) set(seed byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Reader = seeded(seed)
}

// TestTokensAreUnlinkable: a day's token is made of nothing but randomness that was drawn on that
// day. Whoever has one token, and everything else about the device, learns nothing of
// another day's.
func TestTokensAreUnlinkable(t *testing.T) {
	days := func(first, second byte) (tokens [][16]byte) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, "c1")
			o := w.options(newMemory().spool(), report.Counts)
			random := &source{Reader: seeded(first)}
			o.Rand = random
			a := start(t, o)
			a.Observe(failure("shop.example"))
			time.Sleep(time.Hour)
			random.set(second)
			time.Sleep(24 * time.Hour)
			a.Observe(failure("shop.example"))
			time.Sleep(time.Hour)
			tokens = w.tokens()
		})
		if len(tokens) != 2 {
			t.Fatalf("%d tokens on two days", len(tokens))
		}
		return tokens
	}
	base, past, present := days(1, 2), days(3, 2), days(1, 4)
	if past[0] == base[0] || past[1] != base[1] {
		t.Error("the second day's token depends on the first day")
	}
	if present[0] != base[0] || present[1] == base[1] {
		t.Error("the second day's token does not depend on the second day's randomness")
	}
}
