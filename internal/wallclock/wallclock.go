// Package wallclock notices when the wall clock steps, that is, when it suddenly differs from the
// monotonic clock. A step may correct a wrong clock or make a right one wrong. This cannot be known
// at once. So a [Clock] continues as before the step until the step has lasted for some time, or
// until the caller confirms it.
//
// Start with [New].
package wallclock

import (
	"sync"
	"time"
)

// Source returns the wall clock and the time on a monotonic clock, which may start at any moment.
type Source func() (wall time.Time, monotonic time.Duration)

// System returns a Source that reads the system's clocks.
func System() Source {
	start := time.Now()
	return func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(start)
	}
}

// Clock tells a time that does not follow steps of the wall clock at once. It is safe for
// concurrent use.
type Clock struct {
	source    Source
	tolerance time.Duration // greatest drift between two readings
	hold      time.Duration // how long a step must last until the Clock follows it

	mu   sync.Mutex
	base time.Time     // guarded by mu; the Clock's time at the moment at
	at   time.Duration // guarded by mu; monotonic
	// guarded by mu; difference of the wall clock to the Clock; 0 if there is none
	step  time.Duration
	since time.Duration // guarded by mu; monotonic: when it stepped
	last  Step          // guarded by mu
}

// Step is a step of the wall clock.
type Step struct {
	By time.Duration // positive means forward
	At time.Time     // when it was noticed, by the Clock's time before it
	// Believed reports whether the Clock now follows the step.
	Believed bool
	// Back reports whether the wall clock has returned to where it was.
	Back bool
}

// New returns a Clock that starts at the wall clock's time. tolerance is the least step, and hold
// is how long a step must last until the Clock follows it.
func New(source Source, tolerance, hold time.Duration) *Clock {
	wall, at := source()
	return &Clock{source: source, tolerance: tolerance, hold: hold, base: wall, at: at}
}

// Now returns the Clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.look()
}

// look reads the clocks. The caller must hold mu.
func (c *Clock) look() time.Time {
	wall, at := c.source()
	expected := c.base.Add(at - c.at)
	off := wall.Sub(expected)
	switch {
	case off.Abs() <= c.tolerance:
		if c.step != 0 {
			c.step, c.last.Back = 0, true
		}
		c.base, c.at = wall, at // follows the drift
	case c.step == 0 || (off-c.step).Abs() > c.tolerance: // a step, or another one
		c.step, c.since, c.last = off, at, Step{By: off, At: expected}
	case at-c.since >= c.hold:
		c.follow(wall, at)
	}
	if c.step != 0 {
		return expected
	}
	return wall
}

func (c *Clock) follow(wall time.Time, at time.Duration) {
	c.base, c.at, c.step, c.last.Believed = wall, at, 0, true
}

// Follow makes the Clock follow the wall clock at once.
func (c *Clock) Follow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.look(); c.step != 0 {
		c.follow(c.source())
	}
}

// Doubt restarts the wait for a step to last. Callers use it if they know that the wall clock is
// wrong.
func (c *Clock) Doubt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.look(); c.step != 0 {
		_, c.since = c.source()
	}
}

// Off returns the difference of the wall clock to the Clock, which is 0 unless there was a step
// that the Clock does not follow.
func (c *Clock) Off() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
	return c.step
}

// Last returns the last step, or false if there was none.
func (c *Clock) Last() (Step, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
	return c.last, c.last.By != 0
}
