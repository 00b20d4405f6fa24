package wallclock

import (
	"fmt"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// hand is a clock that the test sets.
type hand struct {
	monotonic, off time.Duration
}

func (h *hand) read() (time.Time, time.Duration) {
	return start.Add(h.monotonic + h.off), h.monotonic + time.Hour
}

func (h *hand) true() time.Time { return start.Add(h.monotonic) }

func TestStepsAreNoticedAndNotFollowedAtOnce(t *testing.T) {
	for _, by := range []time.Duration{50 * time.Minute, 40 * 24 * time.Hour, -time.Hour, 3 * time.Second, -3 * time.Second} {
		t.Run(fmt.Sprint(by), func(t *testing.T) {
			h := new(hand)
			c := New(h.read, 2*time.Second, 10*time.Minute)
			if _, ok := c.Last(); ok || c.Off() != 0 || !c.Now().Equal(start) {
				t.Error("a step before any")
			}
			h.monotonic, h.off = time.Minute, by
			if got := c.Now(); !got.Equal(h.true()) {
				t.Errorf("after the step it is %v, want %v", got, h.true())
			}
			if s, ok := c.Last(); !ok || s.By != by || !s.At.Equal(h.true()) || s.Believed || s.Back || c.Off() != by {
				t.Errorf("%+v, off by %v", s, c.Off())
			}
			h.monotonic, h.off = 2*time.Minute, 0 // and back
			if s, _ := c.Last(); !s.Back || c.Off() != 0 || !c.Now().Equal(h.true()) {
				t.Errorf("back again: %+v, off by %v", s, c.Off())
			}
			h.monotonic, h.off = 3*time.Minute, by // for good
			c.Now()
			h.monotonic += 10*time.Minute - 1
			if !c.Now().Equal(h.true()) {
				t.Error("it was followed too soon")
			}
			h.monotonic++
			if got, want := c.Now(), h.true().Add(by); !got.Equal(want) || c.Off() != 0 {
				t.Errorf("after it has lasted it is %v, want %v", got, want)
			}
			if s, _ := c.Last(); !s.Believed || s.By != by {
				t.Errorf("%+v", s)
			}
			h.off = 0
			if c.Now(); c.Off() != -by {
				t.Errorf("back after it was believed: off by %v, want %v", c.Off(), -by)
			}
			c.Follow()
			if !c.Now().Equal(h.true()) || c.Off() != 0 {
				t.Error("it was not followed when told to")
			}
		})
	}
}

// A clock that is slewed or runs a little fast does not step.
func TestDriftIsFollowed(t *testing.T) {
	h := new(hand)
	c := New(h.read, time.Second, time.Hour)
	for range 100 {
		h.monotonic += time.Minute
		h.off += 500 * time.Millisecond
		if !c.Now().Equal(h.true().Add(h.off)) {
			t.Fatalf("off by %v after %v", c.Off(), h.monotonic)
		}
	}
	if _, ok := c.Last(); ok {
		t.Error("drift was taken for a step")
	}
}

// A second step restarts the wait.
func TestStepsFollowEachOther(t *testing.T) {
	h := new(hand)
	c := New(h.read, time.Second, 10*time.Minute)
	for range 5 {
		h.off += time.Hour
		c.Now()
		h.monotonic += 9 * time.Minute
		if !c.Now().Equal(h.true()) {
			t.Fatal("followed too soon")
		}
	}
	if s, _ := c.Last(); s.By != 5*time.Hour {
		t.Errorf("the step is by %v, want 5 h", s.By)
	}
}

func TestTheSystemsClockIsBelieved(t *testing.T) {
	c := New(System(), time.Minute, time.Hour)
	if d := time.Since(c.Now()); d < 0 || d > time.Minute {
		t.Errorf("it is off by %v", d)
	}
}

func TestDoubtKeepsAStepFromBeingFollowed(t *testing.T) {
	h := new(hand)
	c := New(h.read, time.Second, 10*time.Minute)
	h.off = time.Hour
	c.Now()
	for range 5 {
		h.monotonic += 9 * time.Minute
		c.Doubt()
		if !c.Now().Equal(h.true()) {
			t.Fatal("it was followed in spite of doubt")
		}
	}
	h.monotonic += 10 * time.Minute
	if !c.Now().Equal(h.true().Add(time.Hour)) {
		t.Error("it was not followed without doubt")
	}
}

func TestAges(t *testing.T) {
	const days = 24 * time.Hour
	for name, c := range map[string]struct {
		step   time.Duration // an hour after the start
		newest time.Time
		held   time.Duration // after the start
	}{
		"nothing happens":          {0, start.Add(-time.Hour), 0},
		"no data":                  {0, time.Time{}, 0},
		"data of long ago":         {0, start.Add(-40 * days), days},
		"data of the future":       {0, start.Add(40 * days), days},
		"a small step":             {50 * time.Minute, start, 0},
		"a step forward":           {40 * days, start, time.Hour + days},
		"a step backward":          {-2 * time.Hour, start, time.Hour + days},
		"long ago, and a step too": {-40 * days, start.Add(-40 * days), time.Hour + days},
	} {
		t.Run(name, func(t *testing.T) {
			h := new(hand)
			a := NewAges(h.read, c.newest)
			for h.monotonic = 0; h.monotonic < 3*days; h.monotonic += 10 * time.Minute {
				if h.monotonic == time.Hour {
					h.off = c.step
				}
				within := c.step != 0 && c.held > days && h.monotonic < time.Hour && !(c.newest.Sub(start).Abs() > days)
				if got, want := a.Settled(), h.monotonic >= c.held || within; got != want {
					t.Fatalf("%v after the start: settled is %v", h.monotonic, got)
				}
			}
		})
	}
}
