package wallclock

import "time"

const (
	// agesTolerance is the least step of the clock that prevents deletion by age.
	agesTolerance = time.Hour
	// agesHold is how long a clock must run without a step before data is deleted by its time.
	agesHold = 24 * time.Hour
)

// Ages decides whether data may be deleted because of its age. It may not if the clock has stepped
// within the last day. It may not during the first day either if the clock is more than a day away
// from the newest data at the start. So neither a wrong clock nor a process that stood still for
// long loses data, and data is kept for at most a day longer.
type Ages struct {
	clock  *Clock
	source Source
	start  time.Duration // monotonic
	doubt  bool          // the clock and the data disagreed at the start
}

// NewAges returns an Ages. newest is the time of the newest data, or zero if there is no data.
func NewAges(source Source, newest time.Time) *Ages {
	wall, start := source()
	return &Ages{clock: New(source, agesTolerance, agesHold), source: source, start: start,
		doubt: !newest.IsZero() && wall.Sub(newest).Abs() > agesHold}
}

// Settled reports whether data may be deleted now.
func (a *Ages) Settled() bool {
	if a.clock.Off() != 0 {
		return false
	}
	_, now := a.source()
	return !a.doubt || now-a.start >= agesHold
}
