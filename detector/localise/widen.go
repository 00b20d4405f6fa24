package localise

import (
	"cmp"
	"slices"
)

// maxRounds bounds how often all attributes of a candidate are widened. Two rounds are usual.
const maxRounds = 4

// widen lets each attribute in turn take in the values that are hit as well, with the others held
// fixed, until nothing changes. It returns a candidate without sets if no value is clearly hit.
func (s *scan) widen(sets []set) candidate {
	c := candidate{sets: sets, sums: s.within(sets)}
	for range maxRounds {
		changed := false
		for i, set := range c.sets {
			places := s.subset(set.attr, s.values(c.sets, i))
			if len(places) == 0 {
				return candidate{}
			}
			if !slices.Equal(places, set.places) {
				c.sets[i].places, changed = places, true
				c.sums = s.within(c.sets)
			}
		}
		if !changed {
			break
		}
	}
	return s.simplify(c)
}

// simplify leaves out the terms that a candidate does not need: those that name all values, and
// those without which it explains nearly as much.
func (s *scan) simplify(c candidate) candidate {
	c.score = s.rate(c)
	for i := len(c.sets) - 1; i >= 0; i-- {
		all := len(c.sets[i].places) >= len(s.by[c.sets[i].attr])-1
		shorter := candidate{sets: slices.Delete(slices.Clone(c.sets), i, i+1)}
		shorter.sums = s.within(shorter.sets)
		shorter.score = s.rate(shorter)
		if all || len(shorter.sets) > 0 && shorter.score >= c.score-needless {
			c = shorter
		}
	}
	return c
}

// rate returns the score of a candidate.
func (s *scan) rate(c candidate) float64 {
	price := 0.0
	for _, set := range c.sets {
		price += choice(len(s.by[set.attr])-1, len(set.places))
	}
	return round(s.score(c.sums, price))
}

// subset returns the values of an attribute that together are hit the most, each of which is
// clearly hit by itself. What lies outside of them is their background, which takes a few rounds to
// find: the first one has none.
func (s *scan) subset(attr int, values []sums) (hit []uint32) {
	background := 1.0
	for range maxRounds {
		next := s.prefix(attr, s.clear(attr, values, background), values, background)
		if slices.Equal(next, hit) {
			break
		}
		hit = next
		background = s.background(total(hit, values))
	}
	return hit
}

// prefix returns the best subset of some values. With the values ordered by their ratio, it is one
// of the prefixes (linear-time subset scanning: Neill 2012).
func (s *scan) prefix(attr int, hit []uint32, values []sums, background float64) []uint32 {
	ids := s.t.ids[attr]
	slices.SortFunc(hit, func(p, q uint32) int {
		return cmp.Or(cmp.Compare(round(values[q].ratio()), round(values[p].ratio())), cmp.Compare(ids[p], ids[q]))
	})
	best, most := 0, 0.0
	var sum sums
	for i, p := range hit {
		sum.add(values[p])
		score := evidence(sum.x, sum.e*background)/s.o.Dispersion - choice(len(values)-1, i+1)
		if score > most {
			best, most = i+1, score
		}
	}
	hit = s.alike(hit[:best], values)
	slices.Sort(hit)
	return hit
}

func total(places []uint32, values []sums) (sum sums) {
	for _, p := range places {
		sum.add(values[p])
	}
	return sum
}

// alike leaves out the values of which far less fails beyond expectation than of the others: what
// hits them is only a part of the fault, or another one.
func (s *scan) alike(hit []uint32, values []sums) []uint32 {
	if len(hit) < 2 {
		return hit
	}
	sum := total(hit, values)
	return slices.DeleteFunc(hit, func(p uint32) bool {
		v, others := values[p], sum.minus(values[p])
		return (v.x-v.e)*others.n < farLess*(others.x-others.e)*v.n
	})
}

// values sums the requests within all sets but one, by the values of that one's attribute.
func (s *scan) values(sets []set, but int) []sums {
	attr := sets[but].attr
	if len(sets) == 1 {
		return s.by[attr]
	}
	sum := make([]sums, len(s.by[attr]))
	members := s.members(sets, but)
	for l := range s.sum {
		if row := s.row(l); inside(row, members) {
			sum[row[attr]].add(s.sum[l])
		}
	}
	return sum
}

// within sums the requests within all sets.
func (s *scan) within(sets []set) (sum sums) {
	if len(sets) == 1 {
		for _, p := range sets[0].places {
			sum.add(s.by[sets[0].attr][p])
		}
		return sum
	}
	members := s.members(sets, -1)
	for l := range s.sum {
		if inside(s.row(l), members) {
			sum.add(s.sum[l])
		}
	}
	return sum
}

// member tells for each place of an attribute whether a set has it.
type member struct {
	attr int
	has  []bool
}

func (s *scan) members(sets []set, but int) []member {
	m := make([]member, 0, maxTerms)
	for i, set := range sets {
		if i == but {
			continue
		}
		has := make([]bool, len(s.by[set.attr]))
		for _, p := range set.places {
			has[p] = true
		}
		m = append(m, member{set.attr, has})
	}
	return m
}

func inside(row []uint32, members []member) bool {
	for i := range members {
		if !members[i].has[row[members[i].attr]] {
			return false
		}
	}
	return true
}
