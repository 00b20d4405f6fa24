package localise

import (
	"cmp"
	"math"
	"slices"
)

// Explain returns the explanations of the failures in t, the best first: those that are hit more
// than the rest, or everyone. It returns none if no more failed than was to be expected.
func Explain(t *Table, o Options) []Explanation {
	if !slices.ContainsFunc(t.leaves, func(l Leaf) bool { return l.Failed > 0 }) {
		return nil
	}
	s := newScan(t, o)
	s.search()
	var list []candidate
	if s.o.Singles {
		list = s.singles()
	} else {
		list = s.groups()
	}
	for i := range list {
		list[i].terms = list[i].named(s.t)
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), compareTerms(a.terms, b.terms))
	})
	list = slices.CompactFunc(list, func(a, b candidate) bool { return compareTerms(a.terms, b.terms) == 0 })
	if !s.o.Singles {
		list = s.prefer(list)
	}
	out := make([]Explanation, min(len(list), s.o.Most))
	for i := range out {
		out[i] = s.explanation(&list[i])
	}
	if len(out) > 0 && !s.o.Singles {
		out[0].Children = s.children(&list[0])
	}
	return out
}

// candidate is an explanation in the making.
type candidate struct {
	sets []set
	sums
	score float64
	terms []Term // sets with ids instead of places
}

// set is some values of an attribute, by their places.
type set struct {
	attr   int
	places []uint32
}

func (s *scan) singles() (list []candidate) {
	for size := range s.found {
		for _, e := range s.found[size] {
			list = append(list, candidate{sets: e.sets(), sums: e.sums, score: e.score})
		}
	}
	return list
}

// groups widens the best elements and adds everyone.
func (s *scan) groups() []candidate {
	list := []candidate{{sums: s.all, score: round(s.score(s.all, 0))}}
	for size := range s.found {
		for _, e := range s.found[size][:min(len(s.found[size]), topSeeds)] {
			if covered(list, e) {
				continue
			}
			if c := s.widen(e.sets()); len(c.sets) > 0 {
				list = append(list, c)
			}
		}
	}
	return list
}

func (e element) sets() []set {
	sets := make([]set, e.size)
	for i := range sets {
		sets[i] = set{int(e.attrs[i]), []uint32{e.places[i]}}
	}
	return sets
}

// covered reports whether a candidate of the same attributes has the element within.
func covered(list []candidate, e element) bool {
	return slices.ContainsFunc(list, func(c candidate) bool {
		if len(c.sets) != e.size {
			return false
		}
		for i, set := range c.sets {
			if set.attr != int(e.attrs[i]) || !slices.Contains(set.places, e.places[i]) {
				return false
			}
		}
		return true
	})
}

// prefer moves the explanation to the front that names best what the first one covers.
func (s *scan) prefer(list []candidate) []candidate {
	if len(list) == 0 {
		return nil
	}
	best := 0
	for i := range list {
		if sameRequests(list[i].sums, list[0].sums) && compareTerms(list[i].terms, list[best].terms) < 0 {
			best = i
		}
	}
	if even := slices.IndexFunc(list, func(c candidate) bool { return len(c.sets) == 0 }); even > 0 && s.even(list[best].sums) {
		best = even
	}
	c := list[best]
	return slices.Insert(slices.Delete(list, best, best+1), 0, c)
}

func sameRequests(a, b sums) bool {
	return a.x == b.x && math.Abs(a.n-b.n) <= 1e-9*a.n && math.Abs(a.e-b.e) <= 1e-9*a.e
}

// even reports whether the requests outside of part are hit about as much as those inside, counted
// in failures beyond expectation for each request. A fault adds failures to what fails anyway; so
// where more fails anyway, the ratio is lower, and the fault is the same.
func (s *scan) even(part sums) bool {
	rest := s.all.minus(part)
	if rest.n <= 0 || part.n <= 0 {
		return false
	}
	clear := evidence(rest.x, rest.e)/(s.o.Dispersion+s.o.Noise*rest.e) >= clearlyHit
	return clear && (rest.x-rest.e)/rest.n >= evenShare*(part.x-part.e)/part.n
}

func (c *candidate) named(t *Table) []Term {
	terms := make([]Term, len(c.sets))
	for i, set := range c.sets {
		terms[i] = Term{set.attr, make([]uint32, len(set.places))}
		for j, p := range set.places {
			terms[i].Values[j] = t.ids[set.attr][p]
		}
		slices.Sort(terms[i].Values)
	}
	return terms
}

func (s *scan) explanation(c *candidate) Explanation {
	excess := max(s.all.x-s.all.e, c.x-c.e)
	return Explanation{
		Terms: c.terms, Score: c.score, Share: max(c.x-c.e, 0) / max(excess, math.SmallestNonzeroFloat32), Ratio: c.ratio(),
		Failed: c.x, Requests: c.n, Expected: c.e, Buckets: c.buckets,
	}
}
