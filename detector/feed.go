package detector

import (
	"context"
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Feed is an inbox of sealed batches: that of a collector in the same process, or a [RemoteFeed]. A
// Detector calls the methods of a Feed from one goroutine.
type Feed interface {
	// Read returns at most limit batches with Seq > after, oldest first. If there are none, it may
	// wait for some until ctx ends, and then returns none and no error. The error is [ErrCursor],
	// [ErrRefused], or another one; after any of them, Read is called again.
	Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error)
	// Ack acknowledges that everything up to and including upTo is in the store. A lower upTo than
	// before changes nothing.
	Ack(ctx context.Context, upTo uint64) error
}

// ErrCursor says that after is beyond the newest batch of a Feed's inbox, because the inbox was
// replaced or restored from a copy. The inbox is then read from the beginning. Batches that are in
// the store already are recognised by their ids.
var ErrCursor = errors.New("cursor is beyond the newest batch of the inbox")

// ErrRefused says that a Feed refuses the detector, because its key is unknown or the two clocks
// differ.
var ErrRefused = errors.New("refused")

// clockTeller is implemented by Feeds that know how far the clock of their collector was ahead of
// this machine's wall clock at its last answer.
type clockTeller interface {
	ClockSkew() (skew time.Duration, known bool)
}

// sameClock is implemented by Feeds whose collector may use this machine's clock. Such a collector
// cannot confirm the clock, because its own steps with it.
type sameClock interface{ SameClock() bool }

// changeNotifier is implemented by Feeds that can signal that there may be something new. Other
// Feeds are read again after Options.Poll.
type changeNotifier interface{ Changed() <-chan struct{} }

// named is implemented by Feeds of one collector. Their envelopes may not name another one, so that
// a seized collector cannot speak for others.
type named interface{ Collector() string }

// leftTeller is implemented by Feeds that know how many batches their last read has left.
type leftTeller interface{ Left() uint64 }

var errCollector = errors.New("the envelope names another collector than its feed is of")

// foreign reports whether an envelope names another collector than that of its feed.
func foreign(f Feed, e *report.Envelope) bool {
	n, ok := f.(named)
	return ok && n.Collector() != e.Collector
}
