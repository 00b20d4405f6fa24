package judgement

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/heliograph-net/heliograph/detector/localise"
)

const (
	maxCauses   = 4 // new causes in one bin
	maxLeafHits = 20_000
	alternates  = 4 // explanations besides the best
	// An outcome takes part in a cause if at least so many times the expected failures had it, and
	// if it is such a part of the excess.
	outcomeRatio = 2
	outcomeShare = 0.03
	needless     = 4    // evidence in nats, beyond the price, that a further attribute must add
	likely       = 0.3  // of the best score, that an alternative must have
	allShare     = 0.98 // of the requests with a value of an attribute, from which on values are all
	aloneShare   = 0.8  // of the failures, by which a network is the only one that is hit
	aloneMargin  = 1    // evidence in nats that it adds to say so
	clearlyHit   = 8    // evidence in nats, beyond the price, of each of several values
	lessHit      = 0.3  // of the ratio of all values of an explanation, that one of them must have
	cluster      = 1.5  // failures that come together, as a rule
	usualScale   = 1e9  // requests of history of a leaf, so many that its rate is taken as it is
)

// flow is one outcome of one population.
type flow struct {
	pop     uint16
	outcome uint32
}

// cause is what stands behind the alarms of a bin: which failures, and of whom.
type cause struct {
	flows    map[flow]bool
	scopes   []cuboid // ranked; at least one
	share    float64  // of the excess that the first one covers
	part     float64  // of the expected failures that lie within the first one
	evidence float64  // of the first one, in nats
	margin   float64  // by how much the first one is better than the second, in nats
	more     float64  // values that the first one does not name yet and that are expected to be hit
	window   int      // bins that were looked at
	began    int64    // the bin of its onset
	hits     []*hit   // within the first one
}

// flowsOf are the flows that stand out where an alarm does.
func (t *turn) flowsOf(a *alarm) map[flow]bool {
	x := map[flow]float64{}
	t.j.recent.each(t.bin, a.window, func(h *hit, weight float64) {
		if a.holds(t.j, h) && !t.j.explained(h, nil) {
			x[flow{h.pop, h.out}] += float64(h.count) * weight
		}
	})
	flows := map[flow]bool{}
	for f, n := range x {
		e := t.j.expectedAt(f, a.series.attribute, a.series.value, int64(a.window)) * float64(a.window)
		if n >= outcomeRatio*e && n-e >= outcomeShare*(a.x-a.e) {
			flows[f] = true
		}
	}
	return flows
}

// expectedAt is how many failures of a flow one of the last n bins has at a value.
func (j *Judge) expectedAt(f flow, a attribute, v uint32, n int64) float64 {
	p := j.order[f.pop]
	e := p.exposures[a][v]
	if e == nil {
		return leastCount
	}
	st := p.outcomes[f.outcome]
	if st == nil {
		return leastCount
	}
	return st.rateAt(a, v)*p.requests(e)*p.season.now*p.surges.mean(n) + leastCount
}

// rateAt is the failure rate at a value, which need not have a series yet.
func (st *stream) rateAt(a attribute, v uint32) float64 {
	if s := st.series[a][v]; s != nil {
		return st.rate(s)
	}
	return st.rate(st.all)
}

// localise explains failures: those of the flows in the last bins up to bin, less what open
// incidents other than own explain.
func (t *turn) localise(flows map[flow]bool, window int, own *incident) cause {
	l := localiser{t: t, flows: flows, window: window, others: t.others(flows, own)}
	l.each = func(f func(h *hit, weight float64)) {
		t.j.recent.each(t.bin, window, func(h *hit, weight float64) {
			if !t.j.explained(h, own) {
				f(h, weight)
			}
		})
	}
	return l.explain()
}

// explain explains failures.
func (l *localiser) explain() cause {
	t, flows, window := l.t, l.flows, l.window
	l.table = localise.NewTable("everyone", "asn", "server", "country", "version", "os", "protocol", "collector")
	l.gather()
	l.fill()
	found := localise.Explain(l.table, localise.Options{Prior: 1, Most: 1 + alternates, Dispersion: cluster, MinBuckets: l.leastSources()})
	c := cause{flows: flows, window: window}
	c.scopes, c.margin = l.rank(found)
	all, best := l.sums(&cuboid{}), l.sums(&c.scopes[0])
	c.evidence = best.evidence()
	c.share = min(max(best.x-best.e, 0)/max(all.x-all.e, best.x-best.e, 1e-9), 1)
	c.more = l.more(&c.scopes[0])
	c.part = max(best.e/max(all.e, 1e-9), t.product(flows, &c.scopes[0])/2)
	return c
}

// rank simplifies explanations and orders them by what they explain less their price.
func (l *localiser) rank(found []localise.Explanation) (scopes []cuboid, margin float64) {
	var ranked []scored
	add := func(c cuboid) {
		c = l.parent(l.simplify(c))
		l.narrow(&c)
		if !slices.ContainsFunc(ranked, func(o scored) bool { return o.cuboid.equal(&c) }) {
			ranked = append(ranked, scored{c, l.score(&c)})
		}
	}
	for i := range found {
		c := cuboidOf(&found[i])
		add(c)
		if asn, alone := l.alone(&c); alone {
			c[byASN] = []uint32{asn}
			add(c)
		}
	}
	for a := byASN; a < attributes; a++ {
		for _, c := range l.several(a) {
			add(c)
		}
	}
	if len(ranked) == 0 {
		add(cuboid{})
	}
	slices.SortStableFunc(ranked, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	margin = math.Inf(1)
	if len(ranked) > 1 {
		margin = ranked[0].score - ranked[1].score
	}
	for _, r := range ranked {
		if r.score >= likely*ranked[0].score || len(scopes) == 0 {
			scopes = append(scopes, r.cuboid)
		}
	}
	// What one network alone tells is about that network.
	if asn, alone := l.alone(&scopes[0]); alone {
		only := scopes[0]
		only[byASN] = []uint32{asn}
		if l.sums(&only).evidence() < l.sums(&scopes[0]).evidence()+aloneMargin {
			return scopes[:min(len(scopes), 1+alternates)], 0
		}
		only = l.parent(l.simplify(only))
		scopes = slices.DeleteFunc(scopes, func(c cuboid) bool { return c.equal(&only) })
		scopes = slices.Insert(scopes, 0, only)
	}
	return scopes[:min(len(scopes), 1+alternates)], margin
}

// scored is an explanation with what it explains less its price, in nats.
type scored struct {
	cuboid
	score float64
}

func (l *localiser) score(c *cuboid) float64 { return l.sums(c).evidence() - l.price(c) }

// alone returns the network that nearly all failures within a scope come from, if the scope names
// no network.
func (l *localiser) alone(c *cuboid) (asn uint32, alone bool) {
	if len(c[byASN]) > 0 {
		return 0, false
	}
	byNetwork, all, most := map[uint32]float64{}, 0.0, 0.0
	for i := range l.leaves {
		f := &l.leaves[i]
		if f.x == 0 || !c.holds(f.place) {
			continue
		}
		n := f.place[byASN]
		byNetwork[n] += f.x
		all += f.x
		if x := byNetwork[n]; n != 0 && (x > most || x == most && n < asn) {
			asn, most = n, x
		}
	}
	return asn, most >= aloneShare*all && most > 0
}

// product is the part of all requests that a cuboid has if its attributes are independent.
func (t *turn) product(flows map[flow]bool, c *cuboid) float64 {
	part, all := 0.0, 0.0
	for _, f := range slices.SortedFunc(maps.Keys(flows), compareFlows) {
		p := t.j.order[f.pop]
		level := p.level.mean()
		share := 1.0
		for a, list := range c {
			n := 0.0
			for _, v := range list {
				if e := p.exposures[a][v]; e != nil {
					n += p.requests(e)
				}
			}
			if len(list) > 0 {
				share *= min(n/max(level, 1), 1)
			}
		}
		part, all = part+share*level, all+level
	}
	return part / max(all, 1)
}

func cuboidOf(e *localise.Explanation) (c cuboid) {
	for _, term := range e.Terms {
		c[term.Attribute] = slices.Clone(term.Values)
	}
	return c
}

// localiser gathers what a cause is found in.
type localiser struct {
	t         *turn
	flows     map[flow]bool
	window    int
	each      func(func(h *hit, weight float64))
	others    []*incident // whose failures are not among these
	table     *localise.Table
	leaves    []leaf
	times     map[source]float64  // hits by source
	undecided []cuboid            // from which an attribute was left out that may belong there
	mixtures  map[string]*mixture // by attribute and the other ones of a cuboid
}

// leaf is a hit, or a row of the sample of requests.
type leaf struct {
	place  *place
	x      float64 // failures
	n      float64 // requests
	e      float64 // expected failures
	source source
}

// gather finds the leaves: the failures, and the sample of requests on the scale of the window.
func (l *localiser) gather() {
	l.times = map[source]float64{}
	n, stride := 0, l.stride()
	l.each(func(h *hit, weight float64) {
		if h.count > 0 && l.flows[flow{h.pop, h.out}] {
			if n++; n%stride != 0 {
				return
			}
			weight *= float64(stride)
			l.leaves = append(l.leaves, leaf{place: l.known(h.pop, &h.place), x: float64(h.count) * weight, source: h.source()})
			l.times[h.source()]++
		}
	})
	j := l.t.j
	pops := l.populations()
	total := map[uint16]float64{} // rows of each population, also those that others take
	left := ebbs{}
	for i := range j.sample.rows {
		if r := &j.sample.rows[i]; pops[r.pop] != nil {
			total[r.pop] += float64(r.n) * left.at(j, r)
		}
	}
	for i := range j.sample.rows {
		r := &j.sample.rows[i]
		if rates := pops[r.pop]; rates != nil && !slices.ContainsFunc(l.others, func(o *incident) bool { return o.scopes[0].holds(&r.place) && l.takes(o, r.pop) }) {
			n := float64(r.n) * left.at(j, r) * j.order[r.pop].level.mean() * j.order[r.pop].surges.mean(int64(l.window)) * float64(l.window) / max(total[r.pop], 1e-9)
			if n == 0 {
				continue
			}
			l.leaves = append(l.leaves, leaf{place: l.known(r.pop, &r.place), n: n, e: n * rates.at(&r.place)})
		}
	}
}

// ebbs are the parts of the usual requests that values still have, by population.
type ebbs map[uint16]*[attributes]map[uint32]float64

// at returns which part of a row of the sample stands for requests of now: less than 1 where one of
// its values has clearly fewer of late. Requests that a drained server or an abandoned collector
// would have had say nothing about who is innocent.
func (b ebbs) at(j *Judge, r *sampled) float64 {
	p := j.order[r.pop]
	known := b[r.pop]
	if known == nil {
		known = &[attributes]map[uint32]float64{}
		b[r.pop] = known
	}
	least := 1.0
	for a := everyone + 1; a < attributes; a++ {
		v := r.place[a]
		left, seen := known[a][v]
		if !seen {
			left = 1
			if e := p.exposures[a][v]; e != nil {
				left = e.left(p.level.mean(), p.all, &j.fade, p.rows.mean())
			}
			if known[a] == nil {
				known[a] = map[uint32]float64{}
			}
			known[a][v] = left
		}
		least = min(least, left)
	}
	return least
}

// stride is which part of the hits is looked at: enough to tell, and few enough to be quick.
func (l *localiser) stride() int {
	n := 0
	l.each(func(h *hit, _ float64) { n++ })
	return n/maxLeafHits + 1
}

// fill makes the table of the leaves. A source counts once as a bucket, however many places it
// speaks of.
func (l *localiser) fill() {
	for i := range l.leaves {
		f := &l.leaves[i]
		if f.x > 0 {
			l.table.Add(f.place[:], localise.Leaf{Failed: f.x, Buckets: 1 / l.times[f.source]})
		} else {
			l.table.Add(f.place[:], localise.Leaf{Requests: f.n, UsualRequests: usualScale, UsualFailed: usualScale * f.e / f.n})
		}
	}
}

// leastSources is how many sources every value that is named must have: more than one, where
// there are many.
func (l *localiser) leastSources() float64 {
	if len(l.times) >= 6 {
		return 1.9
	}
	return 0
}

// total sums leaves.
type total struct{ x, e float64 }

func (s total) evidence() float64 { return poisson(s.x, s.e) / cluster }

func (l *localiser) sums(c *cuboid) (s total) {
	for i := range l.leaves {
		if f := &l.leaves[i]; c.holds(f.place) {
			s.x += f.x
			s.e += f.e
		}
	}
	s.e += 0.01
	return s
}

// simplify leaves out of an explanation what it does not need: attributes without which it explains
// nearly as well, or which leave out what is not shown to be innocent, and values that are hit far
// less than the others.
func (l *localiser) simplify(c cuboid) cuboid {
	for a := attributes - 1; a > everyone; a-- {
		if len(c[a]) == 0 {
			continue
		}
		wider := c
		wider[a] = nil
		var part cuboid
		part[a] = c[a]
		price := needless + l.price(&part)
		switch {
		case (l.sums(&c).evidence()-l.sums(&wider).evidence())*l.independent(&c) < price:
			c = wider
		case c.lone(a) || l.divided(&c, a):
		default:
			if missing := l.missing(&c, a); missing > 0 {
				if c = wider; missing <= innocent-doubtful {
					l.undecided = append(l.undecided, c)
				}
			}
		}
	}
	for a := byASN; a < attributes; a++ {
		if len(c[a]) > 1 {
			c[a] = l.prune(c, a)
			if l.all(a, c[a]) {
				c[a] = nil
			}
		}
	}
	return c
}

// all reports whether some values of an attribute are all that there are, but for rare ones.
func (l *localiser) all(a attribute, values []uint32) bool {
	named, all, seen := 0.0, 0.0, map[uint16]bool{}
	for _, f := range slices.SortedFunc(maps.Keys(l.flows), compareFlows) {
		if seen[f.pop] {
			continue
		}
		seen[f.pop] = true
		p := l.t.j.order[f.pop]
		for _, v := range slices.Sorted(maps.Keys(p.exposures[a])) {
			n := p.requests(p.exposures[a][v])
			if v != 0 {
				all += n
			}
			if slices.Contains(values, v) {
				named += n
			}
		}
	}
	return named >= allShare*all
}

// independent is which part of the evidence within a scope speaks for what its clients have in
// common. A source that fails twelve times has its version and its network once.
func (l *localiser) independent(c *cuboid) float64 {
	x, sources := 0.0, map[source]struct{}{}
	for i := range l.leaves {
		if f := &l.leaves[i]; f.x > 0 && c.holds(f.place) {
			x += f.x
			sources[f.source] = struct{}{}
		}
	}
	return min(cluster*float64(len(sources))/max(x, 1), 1)
}

// prune returns the values of an attribute that are clearly hit by themselves, and like the others,
// and those that join them.
func (l *localiser) prune(c cuboid, a attribute) []uint32 {
	kept, _ := l.join(&c, a, l.clear(&c, a, c[a]))
	if len(kept) == 0 {
		return c[a]
	}
	return kept
}

// clear returns those of some values of an attribute that are clearly hit by themselves, and like
// the others.
func (l *localiser) clear(c *cuboid, a attribute, values []uint32) (kept []uint32) {
	part := make([]total, len(values))
	var whole total
	for k, v := range values {
		one := *c
		one[a] = []uint32{v}
		part[k] = l.sums(&one)
		if !one.mixed() { // what is known of a value is better than a sample
			part[k].e = l.expectedAt(a, v)
		}
		whole.x += part[k].x
		whole.e += part[k].e
	}
	for k, v := range values {
		var one cuboid
		one[a] = []uint32{v}
		s := part[k]
		clear := surprise(s.x/cluster, s.e/cluster, priorShape) >= clearlyHit+l.t.price(l.flows, &one)
		if clear && s.x*whole.e >= lessHit*s.e*whole.x {
			kept = append(kept, v)
		}
	}
	return kept
}

// expectedAt is how many failures the window has at a value.
func (l *localiser) expectedAt(a attribute, v uint32) (e float64) {
	for _, f := range slices.SortedFunc(maps.Keys(l.flows), compareFlows) {
		e += l.t.j.expectedAt(f, a, v, int64(l.window))
	}
	return e * float64(l.window)
}

// populations are those of the flows, with their rates.
func (l *localiser) populations() map[uint16]*rates {
	pops := map[uint16]*rates{}
	for _, f := range slices.SortedFunc(maps.Keys(l.flows), compareFlows) {
		p := l.t.j.order[f.pop]
		if p.outcomes[f.outcome] == nil {
			continue
		}
		if pops[f.pop] == nil {
			pops[f.pop] = &rates{networks: map[uint32]float64{}}
		}
		pops[f.pop].streams = append(pops[f.pop].streams, p.outcomes[f.outcome])
	}
	return pops
}

// rates gives the expected failures per request of a place: that of its network, for the sum of
// some outcomes.
type rates struct {
	streams  []*stream
	networks map[uint32]float64
}

func (r *rates) at(p *place) float64 {
	asn := p[byASN]
	rate, known := r.networks[asn]
	if !known {
		for _, st := range r.streams {
			rate += st.rateAt(byASN, asn) * st.pop.season.now
		}
		r.networks[asn] = rate
	}
	return rate
}
