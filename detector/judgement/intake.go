package judgement

import (
	"math"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

const (
	lateAfter  = 5 * time.Minute // a row that arrives so long after the fact tells of the past
	mostWeight = 1000            // requests that one reported request may stand for
	// Where a collector does not know the bucket, because it is of an older release or its client
	// on the same host, clients are told apart by their own words. They are in buckets from here
	// on. What they make up is bounded by their network only.
	unknownBuckets = report.MaxBucket + 1
)

// dirtySeries is a series with failures that are not judged yet.
type dirtySeries struct {
	stream *stream
	series *series
}

// Add takes a row. Rows come in the order of their arrival.
func (j *Judge) Add(r Row) {
	if r.Arrived == 0 {
		r.Arrived = r.At
	}
	if r.At > r.Arrived { // a clock that is wrong, or a lie
		r.At = r.Arrived
	}
	if r.Raw == 0 || r.At < 0 {
		return
	}
	if r.Bucket == 0 {
		r.Bucket = unknownBuckets + report.Bucket(mix(j.o.Seed, r.Client)%report.MaxBucket)
	}
	j.stats.Cells++
	bin := r.At / j.width
	if j.next == 0 { // nothing older than this is judged, whenever the first row is of
		j.next = max(bin, (r.Arrived-lateAfter.Milliseconds())/j.width)
	}
	if r.Took == nil {
		j.fade.quiet.hear(bin)
	}
	j.voices.turn(j.next)
	j.clients.turn(j.next)
	came := 0.0
	if r.Took == nil {
		if r.App != model.DeliveryApp {
			came = j.clients.come(&r)
		}
		j.sources.add(&r, j.o.Seed)
	}
	if len(j.sources.silent) > 0 {
		if _, flood := j.sources.silent[source{r.ASN, r.Bucket}]; flood {
			return
		}
	}
	if r.Took != nil {
		j.timed(&r)
		return
	}
	if r.Arrived-r.At >= lateAfter.Milliseconds() || bin <= j.next-ringBins/2 && bin <= j.next-j.bins(lateAfter) {
		j.lateRow(&r)
		return
	}
	p := j.population(&r, bin)
	if p == nil {
		return
	}
	if j.open == 0 && r.App != model.DeliveryApp {
		j.lateness(r.Outcome != report.OK).add(r.Arrived - r.At)
		if r.Outcome == report.OK && r.Source == report.SourceBrowser {
			j.browsers.add(r.Arrived - r.At)
		}
	}
	at := j.place(&r)
	j.expose(p, bin, &at, &r)
	switch {
	case r.Outcome == report.OK:
		j.learnPace(&r, came)
		if r.App != model.DeliveryApp {
			j.clients.succeeded(&r)
			j.redirect(p, bin, &at, &r)
		}
	case r.Outcome != report.Abandoned:
		j.fail(p, bin, &at, &r)
	}
}

// lateness is how late rows of failures come, or of successes.
func (j *Judge) lateness(failed bool) *lateness {
	if failed {
		return &j.failures
	}
	return &j.successes
}

// population finds or makes the population of a row; the one of all requests when the row's own is
// not known to enough sources, and nil when there is neither.
func (j *Judge) population(r *Row, bin int64) *population {
	who := source{r.ASN, r.Bucket}
	app, target := j.names.admit(kindApp, r.App, who), j.names.admit(kindTarget, r.Target, who)
	if app == 0 || target == 0 {
		return j.root
	}
	key := populationKey{app, target, r.Source &^ timedSource}
	if p := j.pops[key]; p != nil {
		return p
	}
	if len(j.pops) >= maxPopulations {
		j.dropped++
		return j.root
	}
	if len(j.pops) > 0 && j.root == nil && slices.ContainsFunc(j.order, func(p *population) bool { return !p.key.timed() }) {
		j.root = j.newPopulation(populationKey{}, nil, bin)
	}
	parent := j.root
	if r.App == model.DeliveryApp {
		parent = nil
	}
	p := j.newPopulation(key, parent, bin)
	j.pops[key] = p
	return p
}

// estimate is how many requests a row stands for, as far as that can be believed.
func (r *Row) estimate() float64 {
	n := r.Estimated
	if !(n >= 0) || math.IsInf(n, 0) {
		return 0
	}
	return min(n, mostWeight*float64(r.Raw))
}

// expose counts the requests of a row as exposure.
func (j *Judge) expose(p *population, bin int64, at *place, r *Row) {
	n := r.estimate()
	leaf := p.index
	for ; p != nil; p = p.parent {
		m := p.limit(bin, source{at[byASN], r.Bucket}, n)
		if m == 0 {
			continue
		}
		if p.index == leaf {
			j.sample.add(sampled{*at, leaf, r.Bucket, float32(m)})
		}
		p.level.add(bin, m, r.Outcome == report.OK)
		p.rows.add(m)
		p.all.add(max(bin, p.all.at), m, &j.fade)
		for a := byASN; a < attributes; a++ {
			if at[a] == 0 && a != byASN { // limit asks for that of unknown networks
				continue
			}
			if e := p.exposure(a, at[a], bin); e != nil {
				e.add(max(bin, e.at), m, &j.fade)
			}
		}
	}
}

// fail counts the failures of a row, as far as its client and its source have not been
// heard enough.
func (j *Judge) fail(p *population, bin int64, at *place, r *Row) {
	out := j.outcome(r)
	count, before, kept := j.hear(p, out+1, bin, r)
	if !kept {
		return
	}
	if r.App != model.DeliveryApp && r.Took == nil {
		j.clients.failed(r, j.open == 0)
	}
	j.recent.of(bin).add(hit{
		place: *at, client: r.Client, at: r.At, raw: float32(r.Raw), count: uint8(count), bucket: r.Bucket, pop: p.index, out: out,
	})
	for ; p != nil; p = p.parent {
		if n, before, _ := j.hear(p, 0, bin, r); n > 0 {
			j.count(p.any, bin, at, n, before)
		}
		if st := p.stream(out, bin); st != nil && count > 0 {
			j.count(st, bin, at, count, before)
		}
	}
}

// outcome is the id of a row's outcome, or of what it is a case of. Words of the vocabulary's
// families are taken from anybody while they are few.
func (j *Judge) outcome(r *Row) uint32 {
	ids := j.names.ids[kindOutcome]
	if id, known := ids[string(r.Outcome)]; known {
		return id
	}
	if len(ids) < freeOutcomes && r.Outcome.Valid() && slices.Contains(families, rootOf(r.Outcome)) {
		return j.names.add(kindOutcome, string(r.Outcome))
	}
	if id := j.names.admit(kindOutcome, string(r.Outcome), source{r.ASN, r.Bucket}); id != 0 {
		return id
	}
	for o := r.Outcome.Parent(); o != ""; o = o.Parent() {
		if id, known := ids[string(o)]; known {
			return id
		}
	}
	return ids[string(report.Unknown)]
}

// families are the first words of the outcomes that clients produce.
var families = []report.Outcome{"dns", "tcp", "tls", "http", "h2", "h3", "udp", "proxy", "network", "grpc", "websocket"}

const freeOutcomes = 256

func rootOf(o report.Outcome) report.Outcome {
	for o.Parent() != "" {
		o = o.Parent()
	}
	return o
}

// count adds failures to the series of a stream, of a source that counted for some before.
func (j *Judge) count(st *stream, bin int64, at *place, n, before int) {
	if j.open == 0 {
		st.clusters.add(before, n)
	}
	for a := range attributes {
		if a != everyone && at[a] == 0 {
			continue
		}
		s := st.open(a, at[a], bin)
		if s == nil {
			continue
		}
		s.bring(bin, st)
		if s.newest-bin >= ringBins {
			continue
		}
		s.add(bin, uint16(n))
		if !s.dirty {
			s.dirty = true
			j.dirty = append(j.dirty, dirtySeries{st, s})
		}
	}
}
