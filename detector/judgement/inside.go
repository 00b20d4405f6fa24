package judgement

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// An incident of everyone explains why requests fail, and not why some clients get nothing through
// at all: while the service answers a third of all requests with errors, a network may
// be cut off. Counts tell the two apart badly, since of a client's failures fewer and fewer count
// and since nobody knows exactly how many requests a small network makes. How clients fare tells
// it well: elsewhere hardly one fails at everything, and there all do.
const (
	insideWhole = 0.8 // of the sources of a value, that get nothing through
	// likewise, at most, of those elsewhere
	insideElse = 0.25
	// what is assumed of those elsewhere, and its weight in sources
	insideUsual, insideWeight = 0.1, 10
	insideLeast               = 0.05 // it is never taken to be less
)

// insideFor are the times over which clients are looked at.
var insideFor = [...]time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute}

// fare is how the sources of some value fare: those with failures, those with clients that failed
// often enough to tell, and those of which no client got anything through, by network.
type fare struct {
	failed, n, whole int
	networks         map[uint32]int
}

// valueOf is a value of an attribute.
type valueOf struct {
	a attribute
	v uint32
}

// fares are those of values, and of everyone.
type fares struct {
	all    fare
	values map[valueOf]*fare
}

// evidence is how clearly clients get nothing through at a value, in nats, where elsewhere they do:
// the log-likelihood ratio of both shares. It is 0 where they get something through, where it is as
// bad elsewhere, and where the incident would be nothing without the value.
func (f *fares) evidence(x valueOf) float64 {
	in := f.values[x]
	if in == nil {
		return 0
	}
	out := fare{failed: f.all.failed - in.failed, n: f.all.n - in.n, whole: f.all.whole - in.whole}
	p := float64(in.whole) / max(float64(in.n), 1)
	q := max((insideUsual*insideWeight+float64(out.whole))/(insideWeight+float64(out.n)), insideLeast)
	if in.n < fewSources || p < insideWhole || q > insideElse || out.failed < in.failed {
		return 0
	}
	e := p * math.Log(p/q)
	if p < 1 {
		e += (1 - p) * math.Log((1-p)/(1-q))
	}
	return float64(in.n) * e
}

// alone returns a value in a network's stead if nearly all of its sources that get nothing through
// are of that network, which is what they have in common.
func (f *fares) alone(x valueOf) valueOf {
	for asn, n := range f.values[x].networks {
		if asn != 0 && float64(n) >= aloneShare*float64(f.values[x].whole) {
			return valueOf{byASN, asn}
		}
	}
	return x
}

// fares finds how clients fare in a wider incident in the last bins, besides those of
// the parts of it that are told by themselves.
func (t *turn) fares(i *incident, n int64) *fares {
	type fails struct {
		raw    float64
		place  place
		source source
	}
	parts := t.parts(i)
	by := map[uint64]*fails{}
	t.j.recent.each(t.bin, int(n), func(h *hit, weight float64) {
		if !i.holds(h) || slices.ContainsFunc(parts, func(o *incident) bool { return o.holds(h) }) || t.over(i, h) {
			return
		}
		c := by[h.client]
		if c == nil {
			c = &fails{place: h.place, source: h.source()}
			by[h.client] = c
		}
		c.raw += float64(h.raw) * weight
		for a := range c.place {
			if c.place[a] != h.place[a] { // it says nothing about any of them
				c.place[a] = 0
			}
		}
	})
	type at struct {
		valueOf
		source source
	}
	// of each value's sources, whether their clients tell, and whether nothing gets through
	tells, whole := map[at]bool{}, map[at]bool{}
	for client, c := range by {
		told := c.raw >= whollyEach && t.j.clients.state(client) != nil
		fails := told && t.j.clients.wholly(client)
		for a, v := range c.place {
			if v == 0 && attribute(a) != everyone {
				continue
			}
			k := at{valueOf{attribute(a), v}, c.source}
			switch before, again := tells[k]; {
			case !again || !before && told:
				tells[k], whole[k] = told, fails
			case told:
				whole[k] = whole[k] && fails
			}
		}
	}
	f := &fares{values: map[valueOf]*fare{}}
	for k, told := range tells {
		x := &f.all
		if k.a != everyone {
			if x = f.values[k.valueOf]; x == nil {
				x = &fare{networks: map[uint32]int{}}
				f.values[k.valueOf] = x
			}
		}
		x.failed++
		if told {
			x.n++
		}
		if whole[k] {
			if x.whole++; x.networks != nil {
				x.networks[k.source.asn]++
			}
		}
	}
	return f
}

// over reports whether a hit belongs to a fault inside of a wider incident that is over.
func (t *turn) over(wider *incident, h *hit) bool {
	return slices.ContainsFunc(t.j.incidents, func(o *incident) bool {
		return o.inside == wider.id && !o.open() && h.at < o.until+2*t.j.width && o.holds(h)
	})
}

// wide reports whether other faults are looked for inside of an incident: it hits everyone, and this
// has been told and known for a while.
func (t *turn) wide(i *incident) bool {
	return i.open() && !i.late && len(i.flows) > 0 && i.inside == 0 && i.told.ID != 0 && i.kept >= keptOften && i.scopes[0].everyone() && t.bin-i.from >= t.j.bins(togetherAll)
}

// inside finds the faults inside of wider incidents.
func (t *turn) inside() {
	for _, i := range slices.Clone(t.j.incidents) {
		if t.wide(i) {
			t.insideOne(i)
		}
	}
}

func (t *turn) insideOne(i *incident) {
	var best cuboid
	most := 0.0
	for k, d := range insideFor {
		if t.bin%(1<<k) != 0 { // the longer the time, the less often there is news
			break
		}
		f := t.fares(i, t.insideBins(i, d))
		found := map[attribute][]uint32{}
		evidence := map[attribute]float64{}
		for _, x := range slices.SortedFunc(maps.Keys(f.values), compareValues) {
			var c cuboid
			c[x.a] = []uint32{x.v}
			need := t.j.o.Evidence + t.price(i.flows, &c)
			// which collector takes a report says nothing about why a request failed
			if e := f.evidence(x); x.a != byCollector && e >= need {
				if x = f.alone(x); !slices.Contains(found[x.a], x.v) {
					found[x.a] = append(found[x.a], x.v)
					evidence[x.a] += e - need + 1
				}
			}
		}
		for a := byASN; a < attributes; a++ {
			if evidence[a] > most {
				most, best = evidence[a], cuboid{}
				slices.Sort(found[a])
				best[a] = found[a]
			}
		}
	}
	if most > 0 {
		t.cutOut(i, best)
	}
}

// insideBins is how many bins a time has, as far as the incident was there.
func (t *turn) insideBins(i *incident, d time.Duration) int64 {
	return max(min(t.j.bins(d), t.bin-i.from+1, ringBins-1), 1)
}

// cutOut makes an incident of a fault inside of a wider one, or a part of one that is there.
func (t *turn) cutOut(wider *incident, scope cuboid) {
	at, values := scope.only()
	for _, i := range t.j.incidents {
		mine, list := i.scopes[0].only()
		if i.inside != wider.id || mine != at {
			continue
		}
		again := slices.ContainsFunc(values, func(v uint32) bool { return slices.Contains(list, v) })
		if !again && !(i.open() && t.bin-i.from <= t.j.bins(togetherFor)) {
			continue
		}
		if !i.open() {
			t.reopen(i, t.bin)
		}
		scope[at] = append(scope[at], list...)
		slices.Sort(scope[at])
		scope[at] = slices.Compact(scope[at])
		t.hold(i, wider, scope)
		return
	}
	if len(t.j.incidents) >= maxIncidents {
		t.j.dropped++
		return
	}
	t.j.lastID++
	i := &incident{id: t.j.lastID, inside: wider.id, found: t.bin, lastBad: t.bin, pace: followBins}
	t.hold(i, wider, scope)
	t.dateInside(i, wider)
	t.j.incidents = append(t.j.incidents, i)
}

// hold gives an incident inside of a wider one its scope, and the flows that fail there.
func (t *turn) hold(i, wider *incident, scope cuboid) {
	i.scopes, i.share, i.margin, i.more = []cuboid{scope}, 1, math.Inf(1), 0
	x, all := map[flow]float64{}, 0.0
	t.j.recent.each(t.bin, int(t.insideBins(wider, insideFor[len(insideFor)-1])), func(h *hit, weight float64) {
		if wider.holds(h) && scope.holds(&h.place) {
			x[flow{h.pop, h.out}] += float64(h.count) * weight
			all += float64(h.count) * weight
		}
	})
	i.flows = map[flow]bool{}
	for f, n := range x {
		if n >= outcomeShare*all {
			i.flows[f] = true
		}
	}
	i.part = t.product(i.flows, &scope)
}

// dateInside estimates the onset of a fault inside of a wider incident: the bin from which on
// clients that get nothing through fail more often than before.
func (t *turn) dateInside(i, wider *incident) {
	n := int64(ringBins - 1)
	x := make([]float64, n)
	t.j.recent.each(t.bin, int(n), func(h *hit, weight float64) {
		if i.holds(h) && t.j.clients.wholly(h.client) {
			x[h.at/t.j.width-(t.bin-n+1)] += float64(h.count) * weight
		}
	})
	best, at := math.Inf(-1), n-1
	for b := int64(1); b < n; b++ {
		before, after := sum(x[:b]), sum(x[b:])
		if after*float64(b) <= before*float64(n-b) {
			continue
		}
		if f := after*math.Log(after/float64(n-b)) + before*math.Log(max(before, leastCount)/float64(b)); f > best {
			best, at = f, b
		}
	}
	i.firstBin = max(t.bin-n+1+at, min(wider.from, t.bin))
	i.from, i.onset = i.firstBin, i.firstBin*t.j.width
	i.excess = sum(x[i.firstBin-(t.bin-n+1):])
}

// followInside asks whether a fault inside of a wider incident that is open goes on.
func (t *turn) followInside(i *incident) {
	last, on := t.stays(i)
	if !on {
		i.calm++
		return
	}
	i.calm, i.lastBad = 0, max(i.lastBad, last)
	i.excess += sum(t.counts(i, 1))
	i.pace = paceOf(i.excess / float64(max(t.bin-i.from, 1)))
	t.freeze(i)
}

// around is the open incident that an incident was found inside of; nil: none.
func (t *turn) around(i *incident) *incident {
	for _, o := range t.j.incidents {
		if i.inside != 0 && o.id == i.inside && o.open() {
			return o
		}
	}
	return nil
}

// stays reports whether clients that failed of late still get nothing through where an incident is
// inside of a wider one, and the newest bin in which one of them failed.
func (t *turn) stays(i *incident) (last int64, on bool) {
	type fails struct {
		raw  float64
		last int64
	}
	by := map[uint64]fails{}
	recent := min(i.pace+t.j.lateness(true).wait(), ringBins/2)
	t.j.recent.each(t.bin, int(2*recent), func(h *hit, weight float64) {
		if i.holds(h) && !h.ok {
			c := by[h.client]
			by[h.client] = fails{c.raw + float64(h.raw)*weight, max(c.last, h.at/t.j.width)}
		}
	})
	n, whole := 0, 0
	for client, c := range by {
		if c.raw < whollyEach || c.last <= t.bin-recent {
			continue
		}
		if n++; t.j.clients.wholly(client) {
			whole++
			last = max(last, c.last)
		}
	}
	return last, whole > 0 && 2*whole >= n
}

// compareValues orders values.
func compareValues(x, y valueOf) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.v, y.v)) }
