package replay

import (
	"math"
	"time"
)

// histogram counts durations in buckets that are 2 % wide, from a microsecond to some minutes.
type histogram struct {
	counts [1024]uint64
	n      uint64
	max    time.Duration
}

const growth = 1.02

// add counts n durations of d.
func (h *histogram) add(d time.Duration, n uint64) {
	i := 0
	if d > time.Microsecond {
		i = min(int(math.Log(float64(d)/float64(time.Microsecond))/math.Log(growth))+1, len(h.counts)-1)
	}
	h.counts[i] += n
	h.n += n
	h.max = max(h.max, d)
}

// quantile returns the upper end, in milliseconds, of the bucket that contains the quantile q.
func (h *histogram) quantile(q float64) float64 {
	seen := uint64(0)
	for i, c := range h.counts {
		if seen += c; c > 0 && float64(seen) >= q*float64(h.n) {
			return min(math.Pow(growth, float64(i))/1000, milliseconds(h.max))
		}
	}
	return 0
}

func (h *histogram) quantiles() Steps {
	return Steps{P50: thousandths(h.quantile(0.5)), P99: thousandths(h.quantile(0.99)), Max: thousandths(milliseconds(h.max))}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func thousandths(x float64) float64 { return math.Round(x*1000) / 1000 }
