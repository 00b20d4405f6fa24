package detection

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/simulate"
)

// rule is one of the simple ways to alarm that others use. It tells alarm of every alarm
// that begins.
type rule interface {
	row(r *simulate.Row)
	tick(now int64)
}

// alarm is told that a rule begins to alarm about a series.
type alarm func(now int64, k key)

// peers makes every rule, by name.
var peers = []struct {
	name string
	make func(alarm) rule
}{
	{"Wikimedia", newWikimedia},
	{"Grafana bands", func(a alarm) rule { return newBands(a) }},
	{"3-sigma EWMA", func(a alarm) rule { return newEWMA(a) }},
	{"Poisson 60 s", func(a alarm) rule { return newPoisson(a, 60_000, 30_000) }},
	{"Poisson 10 s", func(a alarm) rule { return newPoisson(a, 10_000, 10_000) }},
	{"CUSUM bank", func(a alarm) rule { return newCUSUM(a) }},
}

// wikimedia is the public rule for Network Error Logging at Wikimedia: more than one tcp.timed_out
// or tcp.address_unreachable a second for five minutes, of all or of one country.
type wikimedia struct {
	alarm  alarm
	counts map[key]*[300]float64 // by second
	firing map[key]bool
}

func newWikimedia(a alarm) rule {
	return &wikimedia{alarm: a, counts: map[key]*[300]float64{}, firing: map[key]bool{}}
}

func (w *wikimedia) row(r *simulate.Row) {
	if r.Outcome != report.TCPTimedOut && r.Outcome != report.TCPAddressUnreachable {
		return
	}
	for _, k := range [...]key{everyone, {"country", r.Country}} {
		if w.counts[k] == nil {
			w.counts[k] = new([300]float64)
		}
		w.counts[k][(r.Arrived+999)/1000%300] += float64(r.Raw)
	}
}

func (w *wikimedia) tick(now int64) {
	if now%10_000 != 0 { // the rule is evaluated every so often
		return
	}
	for k, counts := range w.counts {
		calmest := math.Inf(1)
		for minute := range int64(5) {
			sum := 0.0
			for s := range int64(60) {
				sum += counts[(now/1000+300-minute*60-s)%300]
			}
			calmest = min(calmest, sum)
		}
		set(w.firing, k, calmest > 60, now, w.alarm)
	}
	for _, counts := range w.counts {
		for s := int64(1); s <= 10; s++ { // what the next seconds will be written over
			counts[(now/1000+s)%300] = 0
		}
	}
}

// set notes whether a series alarms, and tells when it begins to.
func set(firing map[key]bool, k key, on bool, now int64, tell alarm) {
	if on && !firing[k] {
		tell(now, k)
	}
	firing[k] = on
}

// minBins is how many bins a rule learns a series before it may alarm.
const minBins = 10

// ewma alarms when the failures of a minute exceed an exponentially weighted mean by three standard
// deviations, whose weights halve in half an hour.
type ewma struct {
	*binner
	alarm  alarm
	series map[key]*moments
	firing map[key]bool
}

type moments struct {
	n              int
	mean, variance float64
}

func newEWMA(a alarm) *ewma {
	e := &ewma{alarm: a, series: map[key]*moments{}, firing: map[key]bool{}}
	e.binner = newBinner(60_000, 30_000, e.step)
	return e
}

func (e *ewma) step(start int64, b bin) {
	now := start + e.width + e.grace
	for k := range b {
		if e.series[k] == nil {
			e.series[k] = &moments{}
		}
	}
	const weight = 0.0228 // 1 - 0.5^(1/30)
	for k, m := range e.series {
		x := b[k].failed
		on := m.n >= minBins && x > m.mean+3*math.Sqrt(max(m.variance, 0.25))
		set(e.firing, k, on, now, e.alarm)
		a := max(weight, 1/float64(m.n+1))
		d := x - m.mean
		m.mean += a * d
		m.variance = (1 - a) * (m.variance + a*d*d)
		m.n++
	}
}

// bands are Grafana's adaptive bands on the ratio of failures: the mean of an hour, twice the mean
// of the hour's deviation over 26 hours, and half of the mean as margin.
type bands struct {
	*binner
	alarm  alarm
	series map[key]*band
	firing map[key]bool
}

type band struct {
	n               int
	mean, deviation float64
}

func newBands(a alarm) *bands {
	b := &bands{alarm: a, series: map[key]*band{}, firing: map[key]bool{}}
	b.binner = newBinner(60_000, 30_000, b.step)
	return b
}

func (g *bands) step(start int64, b bin) {
	now := start + g.width + g.grace
	for k, c := range b {
		s := g.series[k]
		if s == nil {
			s = &band{}
			g.series[k] = s
		}
		if c.requests == 0 {
			continue
		}
		x := c.failed / c.requests
		upper := s.mean + max(2*s.deviation, s.mean/2)
		set(g.firing, k, s.n >= 60 && x > upper && c.failed >= 10, now, g.alarm)
		s.n++
		s.mean += max(1.0/60, 1/float64(s.n)) * (x - s.mean)
		s.deviation += max(1.0/(26*60), 1/float64(s.n)) * (math.Abs(x-s.mean) - s.deviation)
	}
}

// poissonRule tests the failures of a bin against the rate of the last half hour or so, and
// corrects for the number of series and for a day of bins (Bonferroni) at a level of 5 % a day.
type poissonRule struct {
	*binner
	alarm  alarm
	series map[key]*rate
	firing map[key]bool
}

type rate struct {
	n                int
	failed, requests float64
}

func newPoisson(a alarm, width, grace int64) *poissonRule {
	p := &poissonRule{alarm: a, series: map[key]*rate{}, firing: map[key]bool{}}
	p.binner = newBinner(width, grace, p.step)
	return p
}

func (p *poissonRule) step(start int64, b bin) {
	now := start + p.width + p.grace
	level := 0.05 / (float64(max(len(p.series), 1)) * float64(24*3600*1000/p.width))
	keep := math.Pow(0.5, float64(p.width)/1_800_000)
	for k, c := range b {
		s := p.series[k]
		if s == nil {
			s = &rate{}
			p.series[k] = s
		}
		expected := 0.0
		if s.requests > 0 {
			// one failure more than there were, so that nothing is impossible
			expected = c.requests * (s.failed + 1) / s.requests
		}
		on := s.n >= minBins && expected > 0 && c.failed > expected && tail(c.failed, expected) < level
		set(p.firing, k, on, now, p.alarm)
		s.n++
		if !on {
			s.failed = keep*s.failed + c.failed
			s.requests = keep*s.requests + c.requests
		}
	}
}

// tail is the probability that a Poisson variable with a mean is at least x.
func tail(x, mean float64) float64 { return mathext.GammaIncReg(x, mean) }

// PeerNames are the names of the simple rules, in the order of [Run.Peers].
func PeerNames() (names []string) {
	for _, p := range peers {
		names = append(names, p.name)
	}
	return names
}
