package judgement

import (
	"math"
	"math/bits"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// When requests are slow. Twice the 95th percentile is far enough in the tail that chance and the
// hours of a day hardly move the share beyond it, and near enough that a service that takes three
// times as long as usual has a large part of its requests there. People do not notice less than a
// tenth of a second (Miller 1968).
const (
	slowQuantile = 0.95
	slowFactor   = 2
	slowLeast    = 100 * time.Millisecond
	slowAfter    = 5 * time.Minute // of requests that were seen, and slowLearnt of them
	slowLearnt   = 1000
	slowHours    = 24.0 // half-life of what is known of durations
	slowSteady   = 2    // buckets by which a limit must differ to replace the one before
	// slowShift is the part of the requests that must be slow beyond the usual part before anybody
	// is alerted: a shift of the tail that few notice is none.
	slowShift = 0.05
	// slowRow is for how many requests one row counts at most.
	slowRow = 1000
)

// timing is what is known of how long the requests of a population take.
type timing struct {
	calm   model.Latency // of requests that no incident of slowness explains; older ones weigh less
	n      float64       // requests in calm
	born   int64         // bin of the first row
	hour   int64         // up to which calm is discounted
	within time.Duration // of an objective; 0: none
	worded bool          // rows say which requests are slow, not how long they took
	limit  uint8         // requests in later buckets are slow; 0: not known yet
	usual  float64       // share of the requests that are slow

	weights [11]struct{ n, sum float64 } // rows and requests by what one of these stands for

	heldIn int64 // bin of held
	held   bool  // an incident of slowness is open
}

// keeps reports whether a row counts. Windows with a failure are always sent, and others are drawn
// by chance and stand for many. If the former counted, requests would seem to become more whenever
// some fail. So they are drawn here by the same chance, as the hash decides.
func (t *timing) keeps(r *Row, hash uint64) bool {
	weight := min(max(r.Estimated/float64(r.Raw), 1), mostWeight)
	if !(weight >= 1) {
		weight = 1
	}
	w := &t.weights[bits.Len(uint(weight))]
	w.n++
	w.sum += weight
	most := 0
	for k := range t.weights {
		if t.weights[k].sum > t.weights[most].sum {
			most = k
		}
	}
	if t.weights[most].sum > rowsMost {
		for k := range t.weights {
			t.weights[k].n, t.weights[k].sum = t.weights[k].n/2, t.weights[k].sum/2
		}
	}
	return unit(hash) < weight*t.weights[most].n/t.weights[most].sum
}

// unit is a number from 0 to 1 by a hash.
func unit(hash uint64) float64 { return float64(hash>>11) / (1 << 53) }

// learn takes durations as usual.
func (t *timing) learn(h report.Histogram) {
	n := float64(h.Total())
	weight := min(1, slowRow/n)
	t.calm.Add(h, weight)
	t.n += n * weight
}

// review sets the limit if enough is known, and sets it anew when an hour is over. hour is the
// present one since 1970, and known whether enough time has passed.
func (t *timing) review(hour int64, known bool) {
	if t.limit != 0 && hour <= t.hour {
		return
	}
	if t.limit != 0 {
		fade := math.Exp2(-float64(hour-t.hour) / slowHours)
		for i := range t.calm {
			t.calm[i] *= fade
		}
		t.n *= fade
	}
	t.hour = hour
	if t.n < slowLearnt || !known {
		return
	}
	limit := t.due()
	if t.limit == 0 || max(limit, t.limit)-min(limit, t.limit) >= slowSteady || t.within > 0 {
		t.limit = limit
	}
	slow := 0.0
	for _, n := range t.calm[t.limit+1:] {
		slow += n
	}
	t.usual = slow / t.n
}

// due is the limit by what is known.
func (t *timing) due() uint8 {
	const most = report.HistogramBuckets - 2 // one bucket is slow at least
	switch {
	case t.worded:
		return most
	case t.within > 0:
		return max(min(report.HistogramIndex(t.within), most), 1)
	default:
		return min(report.HistogramIndex(max(slowFactor*t.calm.Quantile(slowQuantile), slowLeast)), most)
	}
}

// slow is how many durations are beyond the limit.
func (t *timing) slow(h report.Histogram) (n uint64) {
	for _, b := range h {
		if b.Index > t.limit {
			n += b.Count
		}
	}
	return n
}

// bound is the limit as a duration; 0 if rows do not tell.
func (t *timing) bound() time.Duration {
	switch {
	case t.worded:
		return 0
	case t.within > 0:
		return t.within
	default:
		return report.HistogramBound(t.limit)
	}
}
