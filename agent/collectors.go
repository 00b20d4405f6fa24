package agent

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// Waiting times after failures. What is not signed could be anybody's word, so it is heeded less.
const (
	deliverRetry    = time.Second      // first wait after a failed upload: uniform from 0 to this
	deliverRetryMax = 5 * time.Minute  // longest such wait
	policyRetry     = 10 * time.Second // the same for policies
	policyRetryMax  = 10 * time.Minute
	maxRetryAfter   = 5 * time.Minute // from a Retry-After header
	maxSlowDown     = time.Hour       // from a signed slow-down
)

// newBackoff waits with full jitter: uniformly from 0 to a limit that starts at first and doubles
// up to longest.
func newBackoff(first, longest time.Duration) *backoff.ExponentialBackOff {
	b := &backoff.ExponentialBackOff{
		InitialInterval:     first / 2,
		RandomizationFactor: 1, // 0 to twice the interval
		Multiplier:          2,
		MaxInterval:         longest / 2,
		Stop:                backoff.Stop,
		Clock:               backoff.SystemClock,
	}
	b.Reset()
	return b
}

// collector is what an agent remembers of one. The pass owns it.
type collector struct {
	backoff   *backoff.ExponentialBackOff
	notBefore time.Time
}

// collector returns the state of c, which a new URL makes another collector.
func (a *Agent) collector(c policy.Collector) *collector {
	name := c.ID + " " + c.URL
	state := a.collectors[name]
	if state == nil {
		const enough = 4 * policy.MaxCollectors
		if len(a.collectors) >= enough { // of many policies before
			clear(a.collectors)
		}
		state = &collector{backoff: newBackoff(deliverRetry, deliverRetryMax)}
		a.collectors[name] = state
	}
	return state
}

func (c *collector) ready(now time.Time) bool { return !now.Before(c.notBefore) }

func (c *collector) succeeded() {
	c.backoff.Reset()
	c.notBefore = time.Time{}
}

func (c *collector) failed(now time.Time, r answer) {
	c.notBefore = now.Add(max(c.backoff.NextBackOff(), r.delay))
}

// firstReady is when the first of p's collectors may be tried again. The caller holds the pass.
func (a *Agent) firstReady(p *checkedPolicy) time.Time {
	first := time.Now().Add(idle)
	for _, c := range p.Collectors {
		if at := a.collector(c).notBefore; at.Before(first) {
			first = at
		}
	}
	return first
}

// order is the order in which collectors are tried: by priority, and at random by weight
// among equals.
func (a *Agent) order(collectors []policy.Collector) []policy.Collector {
	type ranked struct {
		policy.Collector
		rank float64
	}
	list := make([]ranked, 0, len(collectors))
	a.mu.Lock()
	for _, c := range collectors {
		// The smallest of exponential variates with rates w1, w2, … is the i-th with probability
		// wi/Σw; a weight of 0 comes last.
		list = append(list, ranked{c, a.rand.ExpFloat64() / max(float64(c.Weight), math.SmallestNonzeroFloat32)})
	}
	a.mu.Unlock()
	slices.SortFunc(list, func(x, y ranked) int {
		return cmp.Or(cmp.Compare(x.Priority, y.Priority), cmp.Compare(x.rank, y.rank))
	})
	out := make([]policy.Collector, len(list))
	for i := range list {
		out[i] = list[i].Collector
	}
	return out
}

// none is the verdict of an answer that is no receipt for what was sent.
const none receipt.Decision = 0

// answer is a collector's answer, judged.
type answer struct {
	verdict receipt.Decision
	reason  string
	outcome report.Outcome // what stands in the path when the batch was not taken
	delay   time.Duration  // before the collector is asked again
	err     error
}

var (
	errNoReceipt    = errors.New("answer is not a receipt by the collector's key")
	errOtherReceipt = errors.New("receipt is for another upload")
)

// judge decides what an answer means. Whatever is not signed by the collector's receipt key, for
// this batch and these bytes, leaves the batch undelivered: a captive portal's 200, a router's 403,
// a proxy's 502. A slow-down may come without the body's hash, because it is sent before the body
// is read and deletes nothing.
func judge(c policy.Collector, id report.BatchID, body [32]byte, r Response) answer {
	undelivered := answer{outcome: r.Outcome, delay: min(max(r.RetryAfter, 0), maxRetryAfter), err: r.Err}
	if !undelivered.outcome.Valid() || undelivered.outcome == report.OK {
		undelivered.outcome = report.HTTPResponseInvalid
	}
	if r.Err != nil {
		return undelivered
	}
	st, err := receipt.Verify(c.ReceiptKey, r.Body)
	switch {
	case err != nil:
		undelivered.err = errNoReceipt
		return undelivered
	case st.Batch != id, st.Body != body && st.Decision != receipt.SlowDown:
		undelivered.err = errOtherReceipt
		return undelivered
	case st.Decision == receipt.SlowDown:
		return answer{verdict: receipt.SlowDown, reason: st.Reason, outcome: report.HTTPError, delay: slowDown(st.DelayMS)}
	}
	return answer{verdict: st.Decision, reason: st.Reason, outcome: report.HTTPError}
}

func slowDown(ms uint64) time.Duration {
	return time.Duration(min(ms, uint64(maxSlowDown.Milliseconds()))) * time.Millisecond
}
