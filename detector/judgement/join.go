package judgement

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

const (
	// shape of the gamma distribution of the share of requests that fails among the values that one
	// fault hits: mostly within a factor of two
	joinShape  = 2.0
	joinLeast  = 2 // sources of a value that joins
	joinRounds = 10
	joinCore   = 2 // values that are clearly hit by themselves, from which on others may join
	joinNamed  = 3 // values that are named together where fewer are clearly hit by themselves
	joinStarts = 4 // evidence in nats of the values that the fit begins with
	// evidence in nats that some values are hit and not all, from which on "everyone" is in doubt
	joinDoubt = 2
	// values without failures that are looked at one by one
	joinMost = 4096
	// innocent values that are expected, at most, among those that are named with others: one in
	// fifty such scopes names one
	joinFalse = 0.02
)

// member is what is known of one value that may belong to the values that a fault hits.
type member struct {
	value  uint32
	x      float64 // sources with failures
	n      float64 // requests of the window
	e      float64 // expected failures
	shape  float64 // how well these are known
	weight float64 // values that it stands for
	p      float64 // probability that it is hit
}

// mixture divides the values of an attribute into those that a fault hits and the others: once it
// is known which share of the requests of some values fails, another one is judged by whether its
// failures look like that share of its requests or like what is usual there. That takes fewer
// failures than to be noticed among all values. How many values are hit is learned with it
// (empirical Bayes: Robbins 1956; by expectation and maximisation: Dempster, Laird and Rubin 1977).
//
// Only sources count, so failures that come together count once. Both sides are told by the reports
// that have arrived, so requests whose reports are on their way speak for nobody.
type mixture struct {
	members []member // with failures or requests; the most probable first
	// evidence, in nats, that some are hit and the others not, against that all are hit alike
	evidence float64
}

// mixture fits the values of an attribute within the other attributes of a cuboid.
func (l *localiser) mixture(c *cuboid, a attribute) *mixture {
	rest := *c
	rest[a] = nil
	key := fmt.Sprint(a, rest)
	if m := l.mixtures[key]; m != nil {
		return m
	}
	m := &mixture{members: l.members(&rest, a)}
	m.fit()
	slices.SortFunc(m.members, func(v, w member) int { return cmp.Or(cmp.Compare(w.p, v.p), cmp.Compare(v.value, w.value)) })
	if l.mixtures == nil {
		l.mixtures = map[string]*mixture{}
	}
	l.mixtures[key] = m
	return m
}

// fit computes how probable it is of each member that it is hit.
func (m *mixture) fit() {
	all, x, n := 0.0, 0.0, 0.0
	for k := range m.members {
		v := &m.members[k]
		all += v.weight
		x, n = x+v.x-v.weight*v.e, n+v.weight*v.n
		if v.x >= joinLeast && poisson(v.x, v.e) >= joinStarts {
			v.p = 1
		}
	}
	even := max(x, 0) / max(n, 1e-9)
	for round := range joinRounds {
		hit, x, n := 0.0, 0.0, 0.0
		for k := range m.members {
			v := &m.members[k]
			hit += v.p * v.weight
			x += v.p * max(v.x-v.e, 0)
			n += v.p * v.weight * v.n
		}
		if hit == 0 {
			return
		}
		rate, part := x/max(n, 1e-9), min(hit/all, 0.99)
		for k := range m.members {
			v := &m.members[k]
			usual := math.Log(1-part) + logCount(v.x, v.e, v.shape)
			fault := math.Log(part) + logCount(v.x, v.e+rate*v.n, joinShape)
			v.p = 1 / (1 + math.Exp(usual-fault))
			if round == joinRounds-1 {
				either := max(usual, fault) + math.Log1p(math.Exp(-math.Abs(usual-fault)))
				m.evidence += v.weight * (either - logCount(v.x, v.e+even*v.n, joinShape))
			}
		}
	}
}

// logCount is the logarithm of the probability of x failures where e are expected, as known by a
// gamma distribution of a shape: that of a negative binomial variable.
func logCount(x, e, shape float64) float64 {
	log := -shape * math.Log1p(e/shape)
	if x > 0 {
		a, _ := math.Lgamma(x + shape)
		b, _ := math.Lgamma(shape)
		c, _ := math.Lgamma(x + 1)
		log += a - b - c + x*math.Log(e/(shape+e))
	}
	return log
}

// members are the values of an attribute within the other attributes of a cuboid.
func (l *localiser) members(rest *cuboid, a attribute) (list []member) {
	type sight struct {
		sources map[source]bool
		n, e    float64 // by the sample
	}
	seen := map[uint32]*sight{}
	for i := range l.leaves {
		f := &l.leaves[i]
		v := f.place[a]
		if v == 0 || !rest.holds(f.place) {
			continue
		}
		s := seen[v]
		if s == nil {
			s = &sight{sources: map[source]bool{}}
			seen[v] = s
		}
		if f.x > 0 {
			s.sources[f.source] = true
		}
		s.n, s.e = s.n+f.n, s.e+f.e
	}
	values := map[uint32]bool{}
	for f := range l.flows {
		for v := range l.t.j.order[f.pop].exposures[a] {
			values[v] = v != 0 && !l.taken(a, v)
		}
	}
	part, mixed := 1.0, !rest.everyone()
	if mixed {
		part = l.t.product(l.flows, rest)
	}
	stride := len(values)/joinMost + 1
	for k, v := range slices.Sorted(maps.Keys(values)) {
		s := seen[v]
		failed := s != nil && len(s.sources) > 0
		if !values[v] || !failed && (mixed && s == nil || k%stride != 0) {
			continue
		}
		m := member{value: v, weight: 1, shape: priorShape, n: part * l.requestsAt(a, v), e: part * l.expectedAt(a, v)}
		switch {
		case failed:
			m.x, m.shape = float64(len(s.sources)), l.shapeAt(a, v)
			if mixed { // attributes are not independent
				m.n, m.e = max(m.n, s.n), max(m.e, s.e)
			}
		case mixed:
			m.n, m.e, m.weight = s.n, max(s.e, leastCount), float64(stride)
		default:
			m.weight = float64(stride)
		}
		if m.n > 0 && m.e > 0 {
			list = append(list, m)
		}
	}
	return list
}

// join returns, sorted, the values of an attribute that a fault hits by the mixture, besides those
// that are clearly hit by themselves, and how many more of those with failures are expected to be
// hit.
func (l *localiser) join(c *cuboid, a attribute, core []uint32) (values []uint32, more float64) {
	values = slices.Clone(core)
	slices.Sort(values)
	m := l.mixture(c, a)
	if len(core) < joinCore && m.evidence < innocent {
		return values, 0
	}
	wrong := 0.0 // values that are expected to be innocent
	for _, m := range m.members {
		if m.x == 0 || slices.Contains(core, m.value) {
			continue
		}
		if wrong += 1 - m.p; m.x >= joinLeast && wrong <= joinFalse {
			values = append(values, m.value)
		} else {
			more += m.p
		}
	}
	if len(core) < joinCore && len(values) < joinNamed {
		return slices.Sorted(slices.Values(core)), 0
	}
	slices.Sort(values)
	return values, more
}

// divided reports whether some values of an attribute are hit and the others are not.
func (l *localiser) divided(c *cuboid, a attribute) bool {
	return len(c[a]) >= joinCore && l.mixture(c, a).evidence >= innocent
}

// more is how many values are expected to be hit that a scope does not name, of those with
// failures, and of attributes of which it names several or should.
func (l *localiser) more(c *cuboid) (n float64) {
	if slices.ContainsFunc(l.undecided, func(o cuboid) bool { return o.equal(c) }) {
		n++
	}
	for a := byASN; a < attributes; a++ {
		switch {
		case len(c[a]) >= joinCore:
			_, more := l.join(c, a, c[a])
			n += more
		case c.everyone() && l.mixture(c, a).evidence >= joinDoubt:
			n++
		}
	}
	return n
}

// requestsAt is how many requests the window has at a value.
func (l *localiser) requestsAt(a attribute, v uint32) float64 {
	return l.t.requestsAt(l.flows, a, v) * float64(l.window)
}

// requestsAt is how many requests of the flows a bin has at a value.
func (t *turn) requestsAt(flows map[flow]bool, a attribute, v uint32) (n float64) {
	seen := map[uint16]bool{}
	for _, f := range slices.SortedFunc(maps.Keys(flows), compareFlows) {
		p := t.j.order[f.pop]
		if e := p.exposures[a][v]; e != nil && !seen[f.pop] {
			n += p.requests(e)
		}
		seen[f.pop] = true
	}
	return n
}

// shapeAt is how well the failures are known that are expected at a value.
func (l *localiser) shapeAt(a attribute, v uint32) float64 {
	shape := priorShape
	for f := range l.flows {
		if st := l.t.j.order[f.pop].outcomes[f.outcome]; st != nil && st.series[a][v] != nil {
			shape = max(shape, 1/st.doubt(st.series[a][v]))
		}
	}
	return shape
}
