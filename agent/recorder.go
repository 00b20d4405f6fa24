package agent

import (
	"maps"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// recorder counts what is observed, in one open window, and keeps what was handed over or lost
// until the spooler asks for it. It never waits for anything but its lock.
type recorder struct {
	events *events
	opened chan struct{} // capacity 1: a window has begun, or a tally was handed over

	// level is terms.record. It is written under mu and read without, so that an Observe that has
	// nothing to do costs nothing.
	level atomic.Uint32

	mu      sync.Mutex // owns what follows
	terms   terms
	window  *window           // open; never nil
	tallies []tally           // that are not sealed yet
	probes  []item            // likewise
	settle  []func(now bool)  // what SettleLater was given
	untold  map[string]uint64 // records lost, by reason, that no header has told yet
	total   Stats             // Observed, Errors, Windows, SampledOut and Dropped

	early       early
	panics      int       // that were sealed at once since panicsSince
	panicsSince time.Time // zero: none yet
	rand        *mathrand.Rand
}

// terms are what the consent lets the recorder do.
type terms struct {
	policy *checkedPolicy // in force
	record report.Consent // under which something is recorded now; Off: nothing is
	keep   report.Consent // what the open window may hold; above record during Shutdown only
	since  time.Time      // what began earlier is not recorded; zero: whatever began is
}

func (r *recorder) init(rng *mathrand.Rand, p *checkedPolicy, e *events) {
	r.events, r.rand = e, rng
	r.opened = make(chan struct{}, 1)
	r.terms.policy = p
	r.window = newWindow(p.Policy, 0)
	r.untold = make(map[string]uint64)
	r.total.Dropped = make(map[string]uint64)
}

// follow takes up new terms, and takes from what is recorded what they no longer cover.
func (r *recorder) follow(t terms) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.terms = t
	r.level.Store(uint32(t.record))
	if t.keep == report.Off {
		r.tallies, r.probes = nil, nil
	}
	for i := range r.tallies {
		r.tallies[i].level = min(r.tallies[i].level, t.keep)
	}
	w := r.window
	switch {
	case w.start.IsZero(), t.keep == report.Off:
		r.window = newWindow(t.policy.Policy, len(w.rows))
	case t.keep < w.level:
		w.lower(t.keep)
	}
}

// recording reports whether anything is recorded now.
func (r *recorder) recording() bool { return r.level.Load() != uint32(report.Off) }

// covers reports whether what happened at a moment is to be recorded. The caller holds mu.
func (r *recorder) covers(at time.Time) bool {
	return r.terms.record != report.Off && !at.Before(r.terms.since)
}

// begun returns the open window, which begins now if it has not yet. The caller holds mu.
func (r *recorder) begun() *window {
	if r.window.start.IsZero() {
		r.window.start, r.window.level = time.Now(), r.terms.record
		signal(r.opened)
	}
	return r.window
}

// observe counts a request and, if it is to become a sample, keeps it in detail.
func (r *recorder) observe(o *Observation) {
	w, place := r.count(o)
	if place >= 0 {
		r.fill(w, place, o.sample()) // scrubbing takes its time, so it is done outside of the lock
	}
}

// count adds o to the open window. When o is to become a sample it returns the window and the
// sample's place there, else -1.
func (r *recorder) count(o *Observation) (*window, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.terms.record == report.Off || (!o.Start.IsZero() && o.Start.Before(r.terms.since)) {
		return nil, -1
	}
	w := r.begun()
	n := o.count()
	r.total.Observed += n
	calm := !w.failed
	w.add(o.key(), n)
	if calm && w.failed && r.early.begin(w, r.terms.policy.Policy, time.Now(), r.rand) {
		signal(r.opened)
	}
	if w.level < report.Diagnostics || o.Outcome == report.OK || n > 1 {
		return nil, -1
	}
	return w, w.admit(r.rand.Uint64N)
}

// fill puts a sample into its place, unless the window has ended or lost its samples meanwhile.
func (r *recorder) fill(w *window, place int, s sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.window == w && place < len(w.samples) {
		// the network changed while it was being filled
		s.record.Flags |= w.samples[place].record.Flags
		w.samples[place] = s
	}
}

// networkChanged marks the failures of the open window.
func (r *recorder) networkChanged() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.window.networkChanged()
}

// settleLater keeps f for settled.
func (r *recorder) settleLater(f func(now bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle = append(r.settle, f)
	if r.terms.record != report.Off {
		r.begun()
	}
}

// settled has what is not known yet observed as well as it can be. now is false when the window
// ends by itself.
func (r *recorder) settled(now bool) {
	r.mu.Lock()
	all := r.settle
	r.settle = nil
	r.mu.Unlock()
	for _, f := range all {
		f(now)
	}
}

// stats is what the recorder knows of Stats.
func (r *recorder) stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.total
	s.Dropped = maps.Clone(r.total.Dropped)
	s.Consent = r.terms.record
	return s
}

// signal wakes whoever waits for c, a channel of capacity 1.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
