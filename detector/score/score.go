package score

import (
	"errors"
	"math"
	"time"
)

// The constants were chosen once for all series, on the 40 series of the Numenta Anomaly Benchmark
// that this project develops with, and rounded; its results hardly change in their neighbourhood
// (docs/replay.md).
const (
	memory   = 28 * day // what a value is compared with
	warmUp   = 20       // bins before anything is scored
	floor    = 0.1      // least spread, of logarithms: values that differ by a tenth are alike
	seasonal = 0.4      // weight of the comparison with the time of day
	downward = 0.8      // weight of values below the usual: failures that stop matter less
	alike    = 0.96     // part of a deviation that is as unusual as the whole: a record by a hair is none
	height   = 0.5      // exponent of the deviation in the product with the time since the last one
	half     = 2        // logarithm of days times deviation at which the score is 0.5
	calm     = 2 * day  // assumed calm time before a series begins
)

const day = 24 * time.Hour

// Scorer scores one series. Make one with [New]. It is not safe for concurrent use. It takes at
// most some hundred kilobytes of memory.
type Scorer struct {
	bin            time.Duration
	plain, shifted *history // of the values, and of the values without their season
	season         season
	returns        returns
	exposure       mean // of the first bins
	n              int
}

// New returns a [Scorer] for bins of a width from a second to a day. It returns an error for any
// other width.
func New(bin time.Duration) (*Scorer, error) {
	if bin < time.Second || bin > day {
		return nil, errors.New("bin must be from 1s to 24h")
	}
	bins := min(int(memory/bin), maxHistory)
	return &Scorer{bin: bin, plain: newHistory(bins), shifted: newHistory(bins), returns: returns{most: bins}}, nil
}

// Add scores the next bin, given its time, its value, such as a number of failures, and its
// exposure, the number of requests that could have failed. An exposure of 0 means that exposures
// are unknown and assumed to be equal. Bins must come in the order of their time. A bin with a
// value that is not finite scores 0 and is not remembered.
func (s *Scorer) Add(at time.Time, value, exposure float64) float64 {
	if exposure > 0 {
		if s.exposure.n < warmUp { // later bins do not change it, so that values keep their scale
			s.exposure.add(exposure, 0)
		}
		value *= s.exposure.value / exposure
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return 0
	}
	y := math.Copysign(math.Log1p(math.Abs(value)), value)
	free := y - s.season.add(at, y, s.bin)
	unusual := (1-seasonal)*s.plain.deviation(y) + seasonal*s.shifted.deviation(free)
	s.plain.add(y)
	s.shifted.add(free)
	s.n++
	bins := s.returns.add(unusual, int(calm/s.bin))
	if s.n <= warmUp || unusual <= 0 {
		return 0
	}
	days := float64(bins) * float64(s.bin) / float64(day)
	return 1 / (1 + math.Exp(half-math.Log(days)-height*math.Log(unusual)))
}
