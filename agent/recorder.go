package agent

import (
	"maps"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// recorder counts observations in one open window. It holds what was handed over or lost until the
// spooler takes it. It waits only for its lock.
type recorder struct {
	events *events
	opened chan struct{} // capacity 1: a window has begun, or a tally was handed over

	// level is terms.record. It is written with mu locked but read without, so that Observe costs
	// nothing if there is nothing to record.
	level atomic.Uint32

	mu      sync.Mutex // guards the following fields
	terms   terms
	window  *window           // the open window; never nil
	earlier bool              // a window with something in it has ended before
	tallies []tally           // not yet sealed
	probes  []item            // not yet sealed
	settle  []func(now bool)  // the functions of SettleLater
	untold  map[string]uint64 // lost records, by reason, that no header has reported yet
	total   Stats             // Observed, Errors, Windows, SampledOut and Dropped

	early       early
	panics      int       // how many were sealed at once since panicsSince
	panicsSince time.Time // zero: none yet
	rand        *mathrand.Rand
}

// terms say what the recorder may record.
type terms struct {
	policy *checkedPolicy // in force
	record report.Consent // the level of recording; Off: nothing is recorded
	keep   report.Consent // what the open window may hold; above record during Shutdown only
	since  time.Time      // earlier observations are not recorded; zero: no limit
}

func (r *recorder) init(rng *mathrand.Rand, p *checkedPolicy, e *events) {
	r.events, r.rand = e, rng
	r.opened = make(chan struct{}, 1)
	r.terms.policy = p
	r.window = newWindow(p.Policy, 0)
	r.untold = make(map[string]uint64)
	r.total.Dropped = make(map[string]uint64)
}

// follow adopts new terms and removes the records that they do not cover.
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

// covers reports whether something that happened at a time may be recorded. The caller holds mu.
func (r *recorder) covers(at time.Time) bool {
	return r.terms.record != report.Off && !at.Before(r.terms.since)
}

// begun returns the open window. If the window has not begun yet, it begins now. The
// caller holds mu.
func (r *recorder) begun() *window {
	if r.window.start.IsZero() {
		r.window.start, r.window.level = time.Now(), r.terms.record
		signal(r.opened)
	}
	return r.window
}

// observe counts a request. If the request becomes a sample, observe also stores its details.
func (r *recorder) observe(o *Observation) {
	w, place := r.count(o)
	if place >= 0 {
		r.fill(w, place, o.sample()) // outside of the lock, because scrubbing takes time
	}
}

// count adds o to the open window. If o becomes a sample, count returns the window and the sample's
// index there, and otherwise -1.
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
	w.count(o, n)
	if calm && w.failed && r.early.begin(w, r.terms.policy.Policy, time.Now(), r.rand) {
		signal(r.opened)
	}
	if w.level < report.Diagnostics || o.Outcome == report.OK || n > 1 {
		return nil, -1
	}
	return w, w.admit(r.rand.Uint64N)
}

// succeeded counts successful requests, which began when after had passed since origin.
func (r *recorder) succeeded(o *Observation, origin time.Time, after time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.terms.record == report.Off {
		return
	}
	// most agents have had their consent from the start, and then nothing needs to be added
	if !r.terms.since.IsZero() && origin.Add(after).Before(r.terms.since) {
		return
	}
	n := o.count()
	r.total.Observed += n
	r.begun().count(o, n)
}

// fill stores a sample, unless the window has ended or lost its samples meanwhile.
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

// settleLater stores f for settled.
func (r *recorder) settleLater(f func(now bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle = append(r.settle, f)
	if r.terms.record != report.Off {
		r.begun()
	}
}

// settled calls the stored functions, which observe what they can. now is false if the window ends
// because it is due.
func (r *recorder) settled(now bool) {
	r.mu.Lock()
	all := r.settle
	r.settle = nil
	r.mu.Unlock()
	for _, f := range all {
		f(now)
	}
}

// stats returns the recorder's part of [Stats].
func (r *recorder) stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.total
	s.Dropped = maps.Clone(r.total.Dropped)
	s.Consent = r.terms.record
	return s
}

// signal wakes the receiver of c, a channel of capacity 1.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
