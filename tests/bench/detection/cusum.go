package detection

import "math"

// cusumRule keeps a bank of cumulative sums for every series: for each ratio by which failures may
// have grown, the evidence for it since it was last nothing (Page 1954). It alarms when one of them
// reaches what would happen by chance about 12 times a year in 100,000 series with bins
// of a minute.
type cusumRule struct {
	*binner
	alarm  alarm
	series map[key]*cusum
	firing map[key]bool
}

type cusum struct {
	rate
	spread float64 // variance of the failures of a bin over their mean
	sums   [len(cusumRatios)]float64
}

var cusumRatios = [...]float64{1.5, 2, 4, 10}

const (
	cusumLimit  = 22.2 // evidence in nats
	cusumClip   = 16   // most that one bin says about the spread, as a multiple of the mean
	cusumSpread = 0.01 // of a bin in the spread
)

func newCUSUM(a alarm) *cusumRule {
	c := &cusumRule{alarm: a, series: map[key]*cusum{}, firing: map[key]bool{}}
	c.binner = newBinner(60_000, 30_000, c.step)
	return c
}

func (c *cusumRule) step(start int64, b bin) {
	now := start + c.width + c.grace
	keep := math.Pow(0.5, float64(c.width)/86_400_000)
	for k, cell := range b {
		s := c.series[k]
		if s == nil {
			s = &cusum{spread: 1}
			c.series[k] = s
		}
		expected := 0.0
		if s.requests > 0 {
			expected = cell.requests * (s.failed + 1) / s.requests
		}
		most := 0.0
		if s.n >= minBins && expected > 0 {
			most = s.add(cell.failed, expected)
		}
		set(c.firing, k, most >= cusumLimit, now, c.alarm)
		s.n++
		if most >= cusumLimit/4 { // what is suspicious is not learned
			continue
		}
		if expected > 0 {
			d := cell.failed - expected
			s.spread += cusumSpread * (min(d*d/expected, cusumClip) - s.spread)
		}
		s.failed, s.requests = keep*s.failed+cell.failed, keep*s.requests+cell.requests
	}
}

// add takes a bin's failures, and returns the highest sum.
func (s *cusum) add(x, expected float64) (most float64) {
	for i, ratio := range cusumRatios {
		gain := (x*math.Log(ratio) - expected*(ratio-1)) / max(s.spread, 1)
		s.sums[i] = min(max(s.sums[i]+min(gain, cusumLimit/2), 0), 2*cusumLimit)
		most = max(most, s.sums[i])
	}
	return most
}
