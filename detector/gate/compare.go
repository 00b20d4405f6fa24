package gate

import (
	"math"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// Cell is what one network did in one minute with one of the two releases.
type Cell struct {
	At       time.Time // start of the minute
	ASN      uint32
	Target   string  // of which durations are compared; empty otherwise
	Release  bool    // of the release, and not of the one that it is compared with
	Requests float64 // estimated
	Troubles float64 // requests that failed, or errors
	Reports  uint64  // requests that were reported
}

const (
	// leastReports is how many requests of each release a network must have reported to be compared
	// for itself: with fewer, an estimate of its requests is mostly chance.
	leastReports = 30
	// leastTroubles is how many troubles a release must have had to be called worse.
	leastTroubles = 10
	// mixing is the variance of the difference, in troubles, at which the test is the most
	// efficient. It is a constant, because choosing it by the data would void the guarantee.
	mixing = 30
	// longBlock is the longer one of the two lengths of time over which the variance is estimated:
	// as long as a client usually stays.
	longBlock = 5 * time.Minute
)

// The two releases, as indices.
const (
	old = iota
	fresh
)

// arms are the sums of the two releases.
type arms struct{ requests, troubles [2]float64 }

func (a *arms) add(c *Cell, arm int) {
	a.requests[arm] += c.Requests
	a.troubles[arm] += c.Troubles
}

// stratum is a network, or all those together that have too few reports.
type stratum struct {
	arms
	reports [2]uint64
	minutes map[int64]*arms
	longer  map[int64]*arms
}

func newStratum() *stratum { return &stratum{minutes: map[int64]*arms{}, longer: map[int64]*arms{}} }

func (s *stratum) add(c *Cell) {
	arm := old
	if c.Release {
		arm = fresh
	}
	s.arms.add(c, arm)
	s.reports[arm] += c.Reports
	for _, blocks := range []struct {
		of     map[int64]*arms
		length time.Duration
	}{{s.minutes, time.Minute}, {s.longer, longBlock}} {
		number := c.At.UnixMilli() / blocks.length.Milliseconds()
		b := blocks.of[number]
		if b == nil {
			b = &arms{}
			blocks.of[number] = b
		}
		b.add(c, arm)
	}
}

// Compare compares the releases. alpha is the probability with which a release that is no worse is
// called worse at any time; detect is the difference that a healthy one must be shown not to have.
func Compare(name string, cells []Cell, alpha, detect float64) model.GateMeasure {
	m := model.GateMeasure{Name: name, State: model.GateUnknown}
	var d difference
	for _, s := range strata(cells) {
		m.Requests, m.AgainstRequests = m.Requests+s.requests[fresh], m.AgainstRequests+s.requests[old]
		m.Troubles, m.AgainstTroubles = m.Troubles+s.troubles[fresh], m.AgainstTroubles+s.troubles[old]
		d.add(s)
	}
	if d.weight <= 0 {
		m.Low, m.High = -1, 1
		return m
	}
	bound := boundary(d.variance(), alpha)
	m.Difference, m.Low, m.High = d.excess/d.weight, (d.excess-bound)/d.weight, (d.excess+bound)/d.weight
	switch {
	case m.Low > 0 && m.Troubles >= leastTroubles:
		m.State = model.GateWorse
	case m.High < detect:
		m.State = model.GateHealthy
	}
	return m
}

// among is what the cells of a stratum have in common.
type among struct {
	asn    uint32
	target string
}

// strata groups cells by network and target. Those of networks that have few reports of either
// release are one stratum for each target.
func strata(cells []Cell) (all []*stratum) {
	reports := map[among]*[2]uint64{}
	for i := range cells {
		c := &cells[i]
		r := reports[among{c.ASN, c.Target}]
		if r == nil {
			r = &[2]uint64{}
			reports[among{c.ASN, c.Target}] = r
		}
		if c.Release {
			r[fresh] += c.Reports
		} else {
			r[old] += c.Reports
		}
	}
	by, rest := map[among]*stratum{}, map[string]*stratum{}
	for i := range cells {
		c := &cells[i]
		k := among{c.ASN, c.Target}
		r := reports[k]
		s := by[k]
		if few := min(r[old], r[fresh]) < leastReports; few {
			s = rest[c.Target]
		}
		if s == nil {
			s = newStratum()
			all = append(all, s)
			if min(r[old], r[fresh]) >= leastReports {
				by[k] = s
			} else {
				rest[c.Target] = s
			}
		}
		s.add(c)
	}
	return all
}

// difference sums up the difference of the releases over the strata.
type difference struct {
	excess float64 // troubles of the release beyond those of an equal share
	weight float64 // excess per difference of the shares
	// its variance, if requests were independent, by minutes, and by longer blocks
	independent, minutes, longer float64
}

func (d *difference) add(s *stratum) {
	n := s.requests[old] + s.requests[fresh]
	if s.requests[old] <= 0 || s.requests[fresh] <= 0 {
		return
	}
	p := min((s.troubles[old]+s.troubles[fresh])/n, 1)
	own := [2]float64{s.troubles[old] / s.requests[old], s.troubles[fresh] / s.requests[fresh]}
	weight := s.requests[old] * s.requests[fresh] / n
	d.weight += weight
	d.excess += (s.troubles[fresh]*s.requests[old] - s.troubles[old]*s.requests[fresh]) / n
	d.independent += weight * p * (1 - p)
	// from the release's own share, so that a lasting difference is no variance
	square := func(blocks map[int64]*arms) (sum float64) {
		for _, b := range blocks {
			x := (s.requests[old]*(b.troubles[fresh]-own[fresh]*b.requests[fresh]) - s.requests[fresh]*(b.troubles[old]-own[old]*b.requests[old])) / n
			sum += x * x
		}
		k := float64(len(blocks))
		return sum * k / max(k-1, 1)
	}
	d.minutes += square(s.minutes)
	d.longer += square(s.longer)
}

func (d *difference) variance() float64 { return max(d.independent, d.minutes, d.longer) }

// boundary returns the excess that is exceeded in either direction at any time with a probability
// of alpha at most, if there is no difference: the normal mixture's.
func boundary(variance, alpha float64) float64 {
	return math.Sqrt((variance + mixing) * (2*math.Log(1/alpha) + math.Log((variance+mixing)/mixing)))
}
