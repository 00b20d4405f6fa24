package agent

import (
	"math"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/heliograph-net/heliograph/privacy/policy"
)

// The waiting times after failures. Anyone can send an unsigned answer, so it has a smaller effect.
const (
	// the first wait after a failed upload is uniform from 0 to this
	deliverRetry    = time.Second
	deliverRetryMax = 5 * time.Minute  // the limit of later waits
	policyRetry     = 10 * time.Second // the same for policies
	policyRetryMax  = 10 * time.Minute
	maxRetryAfter   = 5 * time.Minute // from a Retry-After header
	maxSlowDown     = time.Hour       // from a signed slow-down
)

// newBackoff returns a backoff with full jitter: waits are uniform from 0 to a limit that starts at
// first and doubles up to longest.
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

// collector is what an agent remembers about a collector. The courier's lock guards it.
type collector struct {
	backoff   *backoff.ExponentialBackOff
	notBefore time.Time
}

// collector returns what is remembered about a collector. A collector with a new URL counts as
// another one.
func (c *courier) collector(of policy.Collector) *collector {
	name := of.ID + " " + of.URL
	state := c.collectors[name]
	if state == nil {
		const enough = 4 * policy.MaxCollectors
		if len(c.collectors) >= enough { // entries of many earlier policies
			clear(c.collectors)
		}
		state = &collector{backoff: newBackoff(deliverRetry, deliverRetryMax)}
		c.collectors[name] = state
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

// firstReady returns when the first of p's collectors may be tried again.
func (c *courier) firstReady(p *checkedPolicy) time.Time {
	first := time.Now().Add(idle)
	for _, to := range p.Collectors {
		first = earlier(first, c.collector(to).notBefore)
	}
	return first
}

// order returns the order in which collectors are tried: by priority, and randomly by weight among
// those with the same priority.
func (c *courier) order(collectors []policy.Collector) []policy.Collector {
	type ranked struct {
		policy.Collector
		rank float64
	}
	// An insertion sort is enough for a policy's few collectors, and saves web pages the download
	// of another instance of slices.SortFunc.
	list := make([]ranked, 0, len(collectors))
	for _, to := range collectors {
		// Among exponential variates with rates w1, w2, …, the i-th is the smallest with
		// probability wi/Σw. A weight of 0 comes last.
		x := ranked{to, c.rand.ExpFloat64() / max(float64(to.Weight), math.SmallestNonzeroFloat32)}
		i := len(list)
		list = append(list, x)
		for ; i > 0 && (x.Priority < list[i-1].Priority || x.Priority == list[i-1].Priority && x.rank < list[i-1].rank); i-- {
			list[i] = list[i-1]
		}
		list[i] = x
	}
	out := make([]policy.Collector, len(list))
	for i := range list {
		out[i] = list[i].Collector
	}
	return out
}
