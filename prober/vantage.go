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

// witnessFresh is how long the answer of the witnesses is valid for further attempts.
const witnessFresh = time.Second

// vantage judges by witnesses whether the prober's own network works. All methods are safe for
// concurrent use.
type vantage struct {
	logger *slog.Logger
	hear   func(*probe.Result)
	doubt  atomic.Bool // no witness answered in the last round

	mu        sync.Mutex // guards the fields below; never held during a round
	witnesses []probe.Func
	timeout   time.Duration
	asking    chan struct{} // closed when the present round ends; nil: there is no round
	asked     time.Time     // when the last round began
	answers   bool          // whether a witness answered in it
}

// replace replaces the witnesses. A round that is under way still asks the old ones.
func (v *vantage) replace(witnesses []probe.Func, timeout time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.witnesses, v.timeout, v.asked = witnesses, timeout, time.Time{}
	v.doubt.Store(v.doubt.Load() && len(witnesses) > 0)
}

// inDoubt reports whether no witness answered in the last round.
func (v *vantage) inDoubt() bool { return v.doubt.Load() }

// vouch reports whether a witness answered in a round that began no earlier than witnessFresh
// before since, the beginning of the attempt in question. If there is none, one caller runs a round
// and the others wait for it. The result is true if there are no witnesses, and false if ctx
// ends first.
func (v *vantage) vouch(ctx context.Context, since time.Time) bool {
	for {
		v.mu.Lock()
		if len(v.witnesses) == 0 {
			v.mu.Unlock()
			return true
		}
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

// ask runs a round. It is called with mu locked and unlocks it.
func (v *vantage) ask(ctx context.Context) bool {
	v.asking, v.asked = make(chan struct{}), time.Now()
	witnesses, timeout := v.witnesses, v.timeout
	v.mu.Unlock()
	answers := v.anyAnswers(ctx, witnesses, timeout)
	if ctx.Err() == nil { // otherwise the witnesses have not failed: the prober is stopping
		v.conclude(!answers, len(witnesses))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answers = answers
	close(v.asking)
	v.asking = nil
	return answers
}

// conclude records the result of a round and logs it if it has changed.
func (v *vantage) conclude(doubt bool, witnesses int) {
	switch before := v.doubt.Swap(doubt); {
	case doubt && !before:
		v.logger.Warn("no witness answers: the vantage is in doubt and failed probes do not count", "witnesses", witnesses)
	case before && !doubt:
		v.logger.Info("a witness answers again: failed probes count")
	}
}

// anyAnswers probes all witnesses at once and stops at the first answer.
func (v *vantage) anyAnswers(ctx context.Context, witnesses []probe.Func, timeout time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var answers atomic.Bool
	var group sync.WaitGroup
	for _, f := range witnesses {
		group.Go(func() {
			if r, err := guard(ctx, f); err == nil && r.Outcome == report.OK {
				answers.Store(true)
				v.hear(&r)
				cancel()
			}
		})
	}
	group.Wait()
	return answers.Load()
}
