package judgement

import (
	"math"
	"slices"
)

const (
	// evidence, in nats beyond the price, that what an attribute of a scope leaves out is innocent
	innocent = 8
	// evidence from which on it may become so much
	doubtful = 4
	// weight, in rows of the sample, of how requests divide elsewhere
	dividedWeight = 20
)

// missing is how much evidence, in nats, is missing to show that the requests are innocent that an
// attribute of a scope leaves out; 0 or less if they are: if the fault hit them as much as those
// within, so many failures would have come from there that it is no chance that so few did. Where
// little is asked for outside, nothing is shown, however few fail there.
func (l *localiser) missing(c *cuboid, a attribute) float64 {
	wider := *c
	wider[a] = nil
	var in, out total
	var inside, all, rows float64
	for i := range l.leaves {
		f := &l.leaves[i]
		if f.place[a] == 0 || !wider.holds(f.place) { // who knows no value says nothing
			continue
		}
		sum := &out
		if c.holds(f.place) {
			sum, inside = &in, inside+f.n
		}
		sum.x, sum.e, all = sum.x+f.x, sum.e+f.e, all+f.n
		if f.n > 0 {
			rows++
		}
	}
	var part cuboid
	part[a] = c[a]
	share := l.t.product(l.flows, &part)
	if all > 0 {
		share = (rows*inside/all + dividedWeight*share) / (rows + dividedWeight)
	}
	evidence := fewer(max(in.x-in.e, 0), max(out.x-out.e, 0), 1-share) * l.independent(&wider) / cluster
	return innocent + l.ways(a, len(c[a])) - evidence
}

// lone reports whether an attribute's one value is all that a cuboid names. Without it the cuboid
// would say that everyone is hit, which blames far more, so it needs no more evidence than it took
// to find it.
func (c *cuboid) lone(a attribute) bool {
	for b := range c {
		if attribute(b) != a && len(c[b]) > 0 {
			return false
		}
	}
	return len(c[a]) == 1
}

// ways is the price, in nats, of having picked k of an attribute's values: the logarithm of how
// many ways there are. It is the highest where half of them are picked, as to leave out what
// happens to have no failures.
func (l *localiser) ways(a attribute, k int) float64 {
	n := k
	for f := range l.flows {
		n = max(n, len(l.t.j.order[f.pop].exposures[a]))
	}
	return logFactorial(n) - logFactorial(k) - logFactorial(n-k)
}

func logFactorial(n int) float64 {
	f, _ := math.Lgamma(float64(n + 1))
	return f
}

// fewer is the evidence, in nats, that fewer of some failures come from outside than a part of
// them: the log-likelihood ratio of their own part against it, and 0 if they are not fewer.
func fewer(inside, outside, part float64) float64 {
	n := inside + outside
	if n == 0 || outside >= part*n {
		return 0
	}
	in, out := inside/n, outside/n
	e := in * math.Log(in/(1-part))
	if out > 0 {
		e += out * math.Log(out/part)
	}
	return n * e
}

// others are the open incidents that explain failures of some flows and are not own. Their failures
// are looked at by themselves, and so are the requests in their scopes: that nothing else fails
// there would make these seem innocent.
func (t *turn) others(flows map[flow]bool, own *incident) (list []*incident) {
	for _, o := range t.j.incidents {
		if o != own && o.open() && !o.late && sharesFlow(o.flows, flows) {
			list = append(list, o)
		}
	}
	return list
}

// takes reports whether another incident explains all failures of a population that are looked at.
func (l *localiser) takes(o *incident, pop uint16) bool {
	for f := range l.flows {
		if f.pop == pop && !o.flows[f] {
			return false
		}
	}
	return true
}

// taken reports whether other incidents explain all failures at a value.
func (l *localiser) taken(a attribute, v uint32) bool {
	return slices.ContainsFunc(l.others, func(o *incident) bool {
		at, values := o.scopes[0].only()
		if at != a || o.scopes[0].mixed() || !slices.Contains(values, v) {
			return false
		}
		for f := range l.flows {
			if !o.flows[f] {
				return false
			}
		}
		return true
	})
}
