package judgement

import (
	"math"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Bounds on memory. One population has a few hundred series at least.
const (
	maxPopulations = 2_000
	maxOutcomes    = 48      // of one population
	maxExposures   = 200_000 // of all populations
)

// Times that a value must be known for before it is judged by itself, and how long a bin may take
// to be complete.
const (
	leastPart    = 1e-4 // of all requests that a value is taken to have in its price
	youngValue   = 4 * time.Minute
	youngSystem  = 5 * time.Minute
	youngLearned = 2                // bins that must have been learned
	freshSystem  = 30 * time.Minute // in which the rare bad minute may not have been seen yet
	settleTime   = 2 * time.Minute
)

// What a network may claim of requests in some bins: so many times the usual, or the share of all,
// or the number.
const (
	claimBins  = spreadBins
	claimOne   = 0.5 // of that, what one source may claim: all that is usual, and as much again when a day begins
	claimRatio = 5
	claimShare = 0.02
	claimLeast = 100
)

// populationKey names a population: requests of one application to one target as one kind of
// reporter sees them. The zero key is the population of all, by which faults are found that hit
// each target a little.
type populationKey struct {
	app, target uint32
	source      report.Source
}

// timedSource marks the source of a population of which only those requests count whose durations
// are known, and among them the slow ones as failures.
const timedSource report.Source = 0x80

func (k populationKey) timed() bool { return k.source&timedSource != 0 }

// population is what is known of one population.
type population struct {
	judge     *Judge
	key       populationKey
	index     uint16 // in Judge.order
	parent    *population
	born      int64
	settled   int64 // the last bin that counts in the level
	level     level
	surges    surges
	rows      rows
	exposures [attributes]map[uint32]*exposure
	all       *exposure
	outcomes  map[uint32]*stream // by outcome
	any       *stream            // all failures
	season    season
}

func (j *Judge) newPopulation(key populationKey, parent *population, bin int64) *population {
	p := &population{judge: j, key: key, index: uint16(len(j.order)), parent: parent, born: bin, settled: bin - 1, outcomes: map[uint32]*stream{}}
	p.level.newest = bin
	p.season.at(j.hourOf(bin))
	p.all = &exposure{at: bin, born: bin}
	p.exposures[everyone] = map[uint32]*exposure{0: p.all}
	var above *stream
	if parent != nil {
		above = parent.any
	}
	p.any = newStream(p, 0, above, bin)
	j.order = append(j.order, p)
	return p
}

// exposure finds or makes what is known of the requests at a value; nil when there is no room.
func (p *population) exposure(a attribute, v uint32, bin int64) *exposure {
	if e := p.exposures[a][v]; e != nil {
		return e
	}
	j := p.judge
	if j.exposures >= maxExposures {
		j.dropped++
		return nil
	}
	j.exposures++
	p.all.bring(bin, &j.fade)
	e := &exposure{at: bin, born: bin, before: p.all.share}
	if p.exposures[a] == nil {
		p.exposures[a] = map[uint32]*exposure{}
	}
	p.exposures[a][v] = e
	return e
}

// requests is how many requests a bin has at a value.
func (p *population) requests(e *exposure) float64 {
	return e.expected(p.level.mean(), p.all, &p.judge.fade)
}

// uncertainty is the relative variance of the requests at a value. Only a part of the reports of
// successes is sent, so that few of them stand for many requests.
func (p *population) uncertainty(e *exposure) float64 {
	each := p.rows.mean()
	u := each / max(p.level.sum, each)
	if e != p.all {
		u += each / max(e.share, each)
	}
	return u
}

// stream finds or makes the stream of an outcome. When there are too many, an outcome counts as
// what it is a case of, and at last only among all failures.
func (p *population) stream(outcome uint32, bin int64) *stream {
	if st := p.outcomes[outcome]; st != nil {
		return st
	}
	if outcome == 0 || len(p.outcomes) >= maxOutcomes {
		return nil
	}
	var above *stream
	if p.parent != nil {
		above = p.parent.stream(outcome, bin)
	}
	st := newStream(p, outcome, above, bin)
	st.all.b = p.all.share
	p.outcomes[outcome] = st
	return st
}

// price is what an alarm of a series takes more because there are many like it, in nats: the
// logarithm of the value's part of all requests, with the sign changed. These parts sum to one, so
// that the chance of a false alarm is that of a single series, and most of it goes where most
// users are.
func (p *population) price(e *exposure) float64 {
	level := max(p.level.mean(), 1)
	return math.Log(level / min(max(p.requests(e), leastPart*level), level))
}

// has reports whether the requests of o are among those of p.
func (p *population) has(o *population) bool { return p == o || p == o.parent }

// tick brings the population to a bin before it is judged.
func (p *population) tick(bin int64) {
	j := p.judge
	p.season.at(j.hourOf(bin))
	p.level.bring(bin)
	for p.settled < bin-j.bins(settleTime) {
		p.settled++
		// the first bin is not a whole one
		if p.settled > p.born && !j.fade.quiet.is(p.settled) {
			p.level.settle(p.settled, j.fade.level)
		}
	}
	p.all.bring(bin, &j.fade) // not over quiet bins
	p.surge(bin)
}

// lag is after how many bins a bin is learned, when a whole window of the spread that ends with it
// is still in the ring. A young population learns sooner: it knows nothing yet.
func (p *population) lag(bin int64) int64 {
	return min(ringBins-spreadBins, max(p.judge.bins(settleTime)+spreadBins, (bin-p.born)/3))
}

// young reports whether too little is known to judge anything: where bins are wide, none may have
// been learned yet.
func (p *population) young(bin int64) bool {
	j := p.judge
	return bin-p.born < max(j.bins(youngSystem), j.bins(settleTime)+spreadBins+youngLearned)
}

// fresh reports whether little is known of how failure rates vary.
func (p *population) fresh() bool { return p.settled-p.born < p.judge.bins(freshSystem) }

// knows reports whether a value has been seen for long enough to be judged by itself.
func (p *population) knows(s *series, bin int64) bool {
	return s.attribute == everyone || bin-s.exposure.born >= p.judge.bins(youngValue)
}

// limit is how much of n requests of a source counts in claimBins bins: a network that suddenly
// claims many times its usual requests is believed only in part, so that nobody can hide failures
// among invented successes. A population that is young knows no limits.
func (p *population) limit(bin int64, who source, n float64) float64 {
	if p.young(bin) {
		return n
	}
	e := p.exposure(byASN, who.asn, bin)
	if e == nil {
		return 0
	}
	usual := 0.0
	if who.asn != 0 || p.judge.sources.nameless() { // else nobody can tell who they are
		// what was claimed of late does not count, or a lie of today would allow one of tomorrow
		e.bring(p.all.at, &p.judge.fade)
		usual = p.level.mean() * e.longShare(p.all, &p.judge.fade)
	}
	most := max(claimBins*claimRatio*usual, claimBins*claimShare*p.level.mean(), claimBins*claimLeast)
	if block := bin / claimBins; block > e.claimedIn { // what is late counts in the newest
		e.claimedIn, e.claimed = block, 0
	}
	n = p.judge.claims.take(p.index, who, bin/claimBins, min(n, max(most-e.claimed, 0)), max(claimOne*most, 2*claimLeast))
	e.claimed += n
	return n
}

// Values without requests for so long are forgotten, sooner when there is hardly any room left.
const (
	forgetAfter = 48 * time.Hour
	forgetSoon  = 2 * time.Hour
)

// sweep forgets what was not heard of for long.
func (p *population) sweep(before int64) {
	for a := byASN; a < attributes; a++ {
		for v, e := range p.exposures[a] {
			if e.at >= before || p.any.busy(a, v) {
				continue
			}
			for _, st := range p.outcomes {
				st.forget(a, v)
			}
			p.any.forget(a, v)
			delete(p.exposures[a], v)
			p.judge.exposures--
		}
	}
}

// busy reports whether a value has failures that are not judged yet.
func (st *stream) busy(a attribute, v uint32) bool {
	s := st.series[a][v]
	return s != nil && s.dirty
}

func (st *stream) forget(a attribute, v uint32) {
	if st.series[a][v] != nil {
		delete(st.series[a], v)
		st.pop.judge.series--
	}
}
