package prober

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// witnessFresh is for how long after the witnesses were asked their answer holds for
// further attempts.
const witnessFresh = time.Second

// vantage judges the place that the prober probes from, by witnesses. All methods are safe for
// concurrent use.
type vantage struct {
	witnesses []probe.Func
	timeout   time.Duration
	logger    *slog.Logger
	doubt     atomic.Bool // the last time they were asked none answered

	mu      sync.Mutex    // holds what is below; never held while they are asked
	asking  chan struct{} // closed when the present round ends; nil: nobody is asking
	asked   time.Time     // when the last round began
	answers bool          // what it found
}

// replace gives the vantage other witnesses. It is called while nobody asks them.
func (v *vantage) replace(witnesses []probe.Func, timeout time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.witnesses, v.timeout, v.asked = witnesses, timeout, time.Time{}
	v.doubt.Store(v.doubt.Load() && len(witnesses) > 0)
}

// inDoubt reports whether no witness answered when they were asked last.
func (v *vantage) inDoubt() bool { return v.doubt.Load() }

// vouch reports whether any witness answers, by a round that began at most witnessFresh before
// since, when the attempt in question began. One caller asks while the others wait for it. It is
// true when there are no witnesses and false when ctx ends first.
func (v *vantage) vouch(ctx context.Context, since time.Time) bool {
	if len(v.witnesses) == 0 {
		return true
	}
	for {
		v.mu.Lock()
		if v.asking == nil {
			if v.asked.Add(witnessFresh).After(since) {
				defer v.mu.Unlock()
				return v.answers
			}
			return v.ask(ctx)
		}
		round := v.asking
		v.mu.Unlock()
		select {
		case <-round:
		case <-ctx.Done():
			return false
		}
	}
}

// ask runs a round. It is called with mu held and gives it up.
func (v *vantage) ask(ctx context.Context) bool {
	v.asking, v.asked = make(chan struct{}), time.Now()
	v.mu.Unlock()
	answers := v.anyAnswers(ctx)
	if ctx.Err() == nil { // else it is the end, and nobody has failed
		v.conclude(!answers)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answers = answers
	close(v.asking)
	v.asking = nil
	return answers
}

// conclude notes what a round found, and says so when that is new.
func (v *vantage) conclude(doubt bool) {
	switch before := v.doubt.Swap(doubt); {
	case doubt && !before:
		v.logger.Warn("no witness answers: the vantage is in doubt and failed probes do not count", "witnesses", len(v.witnesses))
	case before && !doubt:
		v.logger.Info("a witness answers again: failed probes count")
	}
}

// anyAnswers asks all at once and stops at the first that answers.
func (v *vantage) anyAnswers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, v.timeout)
	defer cancel()
	var answers atomic.Bool
	var group sync.WaitGroup
	for _, f := range v.witnesses {
		group.Go(func() {
			if r, err := guard(ctx, f); err == nil && r.Outcome == report.OK {
				answers.Store(true)
				cancel()
			}
		})
	}
	group.Wait()
	return answers.Load()
}
