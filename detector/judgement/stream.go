package judgement

import (
	"math"
	"slices"

	"github.com/heliograph-net/heliograph/report"
)

// stream is one outcome of one population, or all its failures together: the failures of everyone
// and of every value of every attribute.
type stream struct {
	pop     *population
	outcome uint32 // 0: all failures
	all     *series
	parent  *stream // of the population above; nil: none
	series  [attributes]map[uint32]*series
	spread  [attributes]spread
	late    *lateness // of its rows

	clusters clusters
	apart    [attributes]apart
}

func newStream(pop *population, outcome uint32, parent *stream, bin int64) *stream {
	st := &stream{pop: pop, outcome: outcome, parent: parent, late: &pop.judge.failures}
	if outcome != 0 && outcome == pop.judge.names.ids[kindOutcome][string(report.DNSAddressChanged)] {
		st.late = &pop.judge.successes
	}
	st.all = st.open(everyone, 0, bin)
	return st
}

// open finds or makes the series of a value.
func (st *stream) open(a attribute, v uint32, bin int64) *series {
	if s := st.series[a][v]; s != nil {
		return s
	}
	if a != everyone && !st.pop.judge.room() {
		return nil
	}
	s := &series{newest: bin, learned: bin - 1, exposure: st.pop.exposure(a, v, bin), attribute: a, value: v}
	if s.exposure == nil {
		return nil
	}
	// Without a failure so far, what is known of the requests is known of this outcome, too.
	if a != everyone {
		s.b = s.exposure.share
	}
	if st.series[a] == nil {
		st.series[a] = map[uint32]*series{}
	}
	st.series[a][v] = s
	st.pop.judge.series++
	return s
}

// rate is the failure rate of a series.
func (st *stream) rate(s *series) float64 {
	if s != st.all {
		return s.rate(st.rate(st.all), st.shape(s.attribute))
	}
	return s.rate(st.prior(), priorShape)
}

func (st *stream) prior() float64 {
	if st.parent != nil {
		return st.parent.rate(st.parent.all)
	}
	if t := st.pop.judge.timings[st.pop.key]; t != nil {
		return max(t.usual, leastRate)
	}
	if st.outcome == 0 {
		return priorRateAny
	}
	return priorRate
}

// expected is how many failures a bin has at a series.
func (st *stream) expected(s *series) float64 {
	return st.rate(s)*st.pop.requests(s.exposure)*st.pop.season.now + leastCount
}

// learn takes the bins after the last learned one up to bin as normal, unless they were suspicious.
// The exposure of today counts for all of them.
func (st *stream) learn(s *series, upTo int64) {
	f := &st.pop.judge.fade
	n := st.pop.requests(s.exposure) * st.pop.season.now
	oldest := s.newest - ringBins + 1
	if skip := min(upTo, oldest-1) - s.learned; skip > 0 { // nothing was seen in those
		if loud := skip - f.quiet.within(s.learned, s.learned+skip); loud > 0 {
			st.spread[s.attribute].addEmpty(float64(loud)/spreadBins, spreadBins*n*st.rate(s))
			s.learnEmpty(loud, n, f.rate)
		}
		s.learned += skip
	}
	for s.learned < upTo {
		s.learned++
		if f.quiet.is(s.learned) {
			continue
		}
		frozen := s.frozen>>slot(s.learned)&1 == 1
		if s.learned%spreadBins == 0 && s.learned-spreadBins >= oldest-1 && !(frozen && st.blamed(s, s.learned)) {
			// how failures cluster within such a window, not within the longest
			st.spread[s.attribute].add(s.sum(s.learned, spreadBins), spreadBins*n*st.rate(s), st.spread[s.attribute].cluster())
		}
		if frozen {
			continue
		}
		x := s.at(s.learned)
		if s == st.pop.any.all {
			st.pop.season.add(x, n*st.rate(s))
		}
		s.a = s.a*f.rate + x
		s.b = s.b*f.rate + n
	}
}

// blamed reports whether an incident may explain what a series has in a bin. What is suspicious and
// turns out to be nothing is how counts vary by chance: left out of the spread, it would seem a
// wonder for ever.
func (st *stream) blamed(s *series, bin int64) bool {
	j := st.pop.judge
	for _, i := range j.incidents {
		if bin < i.firstBin-spreadBins || i.until != 0 && (bin-spreadBins)*j.width > i.until {
			continue
		}
		if at, values := i.scopes[0].only(); at == s.attribute && !i.scopes[0].mixed() && !slices.Contains(values, s.value) {
			continue
		}
		for f := range i.flows {
			p := j.order[f.pop]
			if (st.pop.has(p) || p.has(st.pop)) && (st.outcome == 0 || st.outcome == f.outcome) {
				return true
			}
		}
	}
	return false
}

// learnEmpty learns bins without failures.
func (s *series) learnEmpty(bins int64, n, fade float64) {
	g := math.Pow(fade, float64(bins))
	s.a *= g
	s.b = s.b*g + n*(1-g)/(1-fade)
}

// finding is how much a series stands out, over the window where it does most.
type finding struct {
	series   *series
	stream   *stream
	evidence float64 // in nats
	window   int     // bins
	x, e     float64 // failures and expected failures in the window
}

// counts are the failures of the bins that windows reach, the newest first.
type counts [ringBins]float64

// counts reads the ring of a series up to a bin.
func (s *series) counts(bin int64) (x counts) {
	for w := range windows[len(windows)-1] {
		x[w] = s.at(bin - int64(w))
	}
	return x
}

// look asks how improbable counts of a series are.
func (st *stream) look(s *series, x *counts) finding {
	best := finding{series: s, stream: st}
	e1 := st.expected(s)
	surges := &st.pop.surges
	total, worth, w := 0.0, 0.0, 0 // worth: of how many usual bins there should be reports
	for _, n := range windows {
		before := total
		for ; w < n; w++ {
			total += x[w]
			worth += st.late.at(w) * surges[w]
		}
		e := e1 * worth
		if total == before || total < st.pop.judge.o.Ratio*e || total-e < 2 {
			continue
		}
		if ev := st.surprise(s, total, e); ev > best.evidence {
			best.evidence, best.window, best.x, best.e = ev, n, total, e
		}
	}
	return best
}

// surprise is the evidence of x failures of a series where e are expected: after the clustering of
// failures, with the noise of the rate and with what is not known of it.
func (st *stream) surprise(s *series, x, e float64) float64 {
	cluster := st.cluster(s.attribute)
	return surprise(x/cluster, e/cluster, 1/st.doubt(s))
}

// cluster is how many failures come together among the values of an attribute.
func (st *stream) cluster(a attribute) float64 {
	return max(st.clusters.mean(), st.spread[a].cluster())
}

// doubt is the relative variance of the failures that are expected at a series: as the rate varies
// from minute to minute, in the present one and in those that it was learned from; as it is known
// from few failures; and as the requests are known from few reports. An error about the requests
// cancels out as far as the rate was learned from them, too.
func (st *stream) doubt(s *series) float64 {
	shape := st.shape(s.attribute)
	minutes := s.b / max(spreadBins*st.pop.requests(s.exposure), 1e-9)
	noise := st.spread[s.attribute].noise()
	if st.pop.fresh() {
		noise = max(noise, noiseFresh)
	}
	own := s.a / (shape + s.a) // the part of the rate that its own minutes say
	return noise*(1+own*own/max(minutes, 1)) + 1/(shape+s.a) + st.pop.uncertainty(s.exposure)*shape/(shape+s.a)
}
