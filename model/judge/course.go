package judge

import (
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// Trend says whether failures become more or fewer.
type Trend string

// The trends.
const (
	TooEarly   Trend = "too_early"  // there are too few requests since the onset
	Worse      Trend = "worse"      // more requests fail than before
	Steady     Trend = "steady"     // about as many fail as before
	Recovering Trend = "recovering" // at most half as many fail as at the worst
	Recovered  Trend = "recovered"  // hardly more fail than normally
)

// Course is how the failures developed.
type Course struct {
	Trend Trend
	Since time.Time // when it began to recover, or had recovered; zero for other trends
	Ratio float64   // part of the latest requests that failed
	Worst float64   // the highest such part since the onset
}

const (
	// smoothed is how many steps with requests are summed, because one has few requests.
	smoothed = 2
	// leastRequests is how many requests a sum needs to be compared.
	leastRequests = 3
	// recovering and recovered are the parts of the worst ratio, above the normal one, that count
	// as such, and little is a ratio that is always as good as normal.
	recovering, recovered, little = 0.5, 0.1, 0.01
	// worse is how much of all requests more must fail than in the mean of as many sums before as
	// compared.
	worse, compared = 0.05, 4
)

// CourseOf judges the steps from the onset on. The points are those of a curve, in order, and each
// is step long. normal is the part of the requests that normally fails. The step that contains now
// is left out as long as there are others, because what is known of it is not complete.
func CourseOf(points []model.CurvePoint, step time.Duration, onset, now time.Time, normal float64) Course {
	ratios, ends := smooth(points, step, onset, now)
	n := len(ratios)
	if n == 0 {
		return Course{Trend: TooEarly}
	}
	c := Course{Ratio: ratios[n-1]}
	for _, r := range ratios {
		c.Worst = max(c.Worst, r)
	}
	lasting := func(level float64) time.Time { // since when ratios are at most this
		i := n
		for i > 0 && ratios[i-1] <= level {
			i--
		}
		return ends[min(i, n-1)]
	}
	above := c.Worst - normal
	switch enough := max(normal+recovered*above, normal+little); {
	case n < 2:
		c.Trend = TooEarly
	case c.Ratio <= enough:
		c.Trend, c.Since = Recovered, lasting(enough)
	case c.Ratio <= normal+recovering*above:
		c.Trend, c.Since = Recovering, lasting(normal+recovering*above)
	case c.Ratio >= c.Worst && c.Ratio >= mean(ratios[max(0, n-1-compared):n-1])+worse:
		c.Trend = Worse
	default:
		c.Trend = Steady
	}
	return c
}

func mean(all []float64) (m float64) {
	for _, v := range all {
		m += v / float64(len(all))
	}
	return m
}

// smooth returns the failed part of each sum of steps since the onset, and when the last of its
// steps began.
func smooth(points []model.CurvePoint, step time.Duration, onset, now time.Time) (ratios []float64, ends []time.Time) {
	var kept []model.CurvePoint
	for i, p := range points {
		incomplete := p.At.Add(step).After(now) && i > 0 && points[i-1].At.Add(step).After(onset)
		if p.At.Add(step).After(onset) && !incomplete {
			kept = append(kept, p)
		}
	}
	for i := range kept {
		var ok, failed float64
		for _, p := range kept[max(0, i-smoothed+1) : i+1] {
			ok, failed = ok+p.OK, failed+p.Failed
		}
		if ok+failed >= leastRequests {
			ratios, ends = append(ratios, failed/(ok+failed)), append(ends, kept[i].At)
		}
	}
	return ratios, ends
}

// OnsetOf returns when the failures began that go on at the end of a curve: the start of the first
// step from which on every step fails, as [Failing] defines it for their sum so far. It is zero if
// the last steps do not fail.
func OnsetOf(points []model.CurvePoint) (onset time.Time) {
	for i := len(points) - 1; i >= 0; i-- {
		p := points[i]
		if p.Failed == 0 || p.Failed < failingShare*(p.OK+p.Failed) {
			return onset
		}
		onset = p.At
	}
	return onset
}
