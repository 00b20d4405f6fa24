package detector

import (
	"context"
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Feed is an inbox of sealed batches: a collector's own in the same process, or a RemoteFeed. A
// Detector calls the methods of one Feed from one goroutine.
type Feed interface {
	// Read returns batches with Seq > after, oldest first, at most limit of them. None and no error
	// means that there are none now; a Feed may wait for some until ctx ends. Errors: ErrCursor;
	// any other is tried again.
	Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error)
	// Ack says that everything up to and including upTo is in the store. A lower upTo than before
	// changes nothing.
	Ack(ctx context.Context, upTo uint64) error
}

// ErrCursor says that after lies beyond the newest batch of a Feed's inbox: it was replaced by
// another, or restored from a copy. It is then read again from the beginning; ids drop what was
// taken in before.
var ErrCursor = errors.New("cursor is beyond the newest batch of the inbox")

// ErrRefused says that a Feed refuses the detector: its key is not known, or the clocks of both
// differ.
var ErrRefused = errors.New("refused")

// clockTeller is what a Feed also implements when it can tell how far the clock of its collector is
// ahead of this machine's wall clock, as of its last answer.
type clockTeller interface {
	ClockSkew() (skew time.Duration, known bool)
}

// sameClock is what a Feed also implements when its collector may have the clock of this machine:
// then that cannot confirm ours, and steps with it.
type sameClock interface{ SameClock() bool }

// changeNotifier is what a Feed also implements when it can tell that something new may be there;
// without it, it is asked again after Options.Poll.
type changeNotifier interface{ Changed() <-chan struct{} }

// named is what a Feed also implements when it is one collector's: it may name no other in its
// envelopes, so that a collector that is seized cannot speak for others.
type named interface{ Collector() string }

var errCollector = errors.New("the envelope names another collector than its feed is of")

// foreign reports whether an envelope names another collector than its feed is of.
func foreign(f Feed, e *report.Envelope) bool {
	n, ok := f.(named)
	return ok && n.Collector() != e.Collector
}
