package sqliteinbox

import (
	"context"
	"database/sql"
	"time"

	"github.com/heliograph-net/heliograph/internal/wallclock"
)

const (
	// stepTolerance is the smallest step of the clock after which batches are not dropped because
	// of their age.
	stepTolerance = time.Hour
	// stepHold is how long the clock must run without a step before it is trusted again.
	stepHold = 24 * time.Hour
)

// ages decides whether batches may be dropped because of their age. They are not if the clock has
// just stepped, or if it differs by more than a day from the newest batch in a file that was just
// opened. So neither a wrong clock nor a long downtime of the collector costs a batch: detectors
// have a day to take it.
type ages struct {
	clock  *wallclock.Clock
	source wallclock.Source
	opened time.Duration // monotonic
	doubt  bool          // clock and file disagreed when the file was opened
}

func newAges(source wallclock.Source, newest time.Time) ages {
	wall, opened := source()
	return ages{clock: wallclock.New(source, stepTolerance, stepHold), source: source, opened: opened,
		doubt: !newest.IsZero() && wall.Sub(newest).Abs() > stepHold}
}

// settled reports whether the clock is trusted.
func (a *ages) settled() bool {
	if a.clock.Off() != 0 {
		return false
	}
	_, now := a.source()
	return !a.doubt || now-a.opened >= stepHold
}

// newest returns when the newest batch in the file was received, or the zero time if there is none.
func newest(tx *sql.Tx) (at time.Time, err error) {
	var ms int64
	err = tx.QueryRowContext(context.Background(), `SELECT max(coalesce((SELECT received FROM pending ORDER BY seq DESC LIMIT 1), 0),
		coalesce((SELECT received FROM acked ORDER BY seq DESC LIMIT 1), 0))`).Scan(&ms)
	if err != nil || ms == 0 {
		return time.Time{}, err
	}
	return time.UnixMilli(ms), nil
}
