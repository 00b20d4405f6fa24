package wallclock

import "time"

const (
	// agesTolerance is the least step that keeps anything from being deleted for its age.
	agesTolerance = time.Hour
	// agesHold is how long a clock must agree with itself until its word is taken for that.
	agesHold = 24 * time.Hour
)

// Ages decides whether data may be deleted for its age: not by a clock that has stepped within the
// last day, nor, for a day after the start, by one that is more than a day away from the newest
// data. So neither a wrong clock nor a process that stood still for long costs anything, and data
// is kept for a day longer at most.
type Ages struct {
	clock  *Clock
	source Source
	start  time.Duration // monotonic
	doubt  bool          // the clock and the data did not agree at the start
}

// NewAges returns an Ages for data of which newest is the newest; zero: there is none.
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
