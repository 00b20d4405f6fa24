package sqliteinbox

import (
	"context"
	"database/sql"
	"time"

	"github.com/heliograph-net/heliograph/internal/wallclock"
)

const (
	// stepTolerance is the least step of the clock that keeps batches from being dropped for
	// their age.
	stepTolerance = time.Hour
	// stepHold is how long a clock must agree with itself until its word is taken for that.
	stepHold = 24 * time.Hour
)

// ages decides whether batches may be dropped for their age: not by a clock that has just stepped,
// nor by one that is more than a day away from the newest batch of a file that is opened. Neither a
// wrong clock nor a collector that stood still for long costs a batch then: detectors have a day to
// take it.
type ages struct {
	clock  *wallclock.Clock
	source wallclock.Source
	opened time.Duration // monotonic
	doubt  bool          // the clock and the file did not agree when it was opened
}

func newAges(source wallclock.Source, newest time.Time) ages {
	wall, opened := source()
	return ages{clock: wallclock.New(source, stepTolerance, stepHold), source: source, opened: opened,
		doubt: !newest.IsZero() && wall.Sub(newest).Abs() > stepHold}
}

// settled says whether the clock is believed.
func (a *ages) settled() bool {
	if a.clock.Off() != 0 {
		return false
	}
	_, now := a.source()
	return !a.doubt || now-a.opened >= stepHold
}

// newest is when the newest batch that the file knows was received; zero without any.
func newest(tx *sql.Tx) (at time.Time, err error) {
	var ms int64
	err = tx.QueryRowContext(context.Background(), `SELECT max(coalesce((SELECT received FROM pending ORDER BY seq DESC LIMIT 1), 0),
		coalesce((SELECT received FROM acked ORDER BY seq DESC LIMIT 1), 0))`).Scan(&ms)
	if err != nil || ms == 0 {
		return time.Time{}, err
	}
	return time.UnixMilli(ms), nil
}
