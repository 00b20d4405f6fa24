package slo

import "time"

// ring holds the sums of the latest steps of time. A step is identified by its number since 1970.
type ring struct {
	step   time.Duration
	sums   []Sum
	newest int64
}

func newRing(step, reach time.Duration) *ring {
	return &ring{step: step, sums: make([]Sum, reach/step+1)}
}

// number returns the step that ends at or contains t.
func (r *ring) number(t time.Time) int64 { return (t.UnixNano() - 1) / int64(r.step) }

// set replaces the sum of a step. Steps that are no longer held are ignored.
func (r *ring) set(step int64, s Sum) {
	r.advance(step)
	if r.newest-step < int64(len(r.sums)) {
		r.sums[step%int64(len(r.sums))] = s
	}
}

// advance adds empty steps up to a new one.
func (r *ring) advance(step int64) {
	if step-r.newest >= int64(len(r.sums)) {
		clear(r.sums)
		r.newest = max(step, r.newest)
	}
	for r.newest < step {
		r.newest++
		r.sums[r.newest%int64(len(r.sums))] = Sum{}
	}
}

// sum returns the sum of a window that ends now, rounded to whole steps.
func (r *ring) sum(now time.Time, window time.Duration) (s Sum) {
	last := r.number(now)
	for step := max(last-int64(window/r.step)+1, 0); step <= min(last, r.newest); step++ {
		if r.newest-step < int64(len(r.sums)) {
			s.Requests += r.sums[step%int64(len(r.sums))].Requests
			s.Failed += r.sums[step%int64(len(r.sums))].Failed
		}
	}
	return s
}
