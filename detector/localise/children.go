package localise

import (
	"cmp"
	"slices"
)

// mostChildren is the most children for each attribute.
const mostChildren = 5

// children are the values with the most failures beyond expectation within c.
func (s *scan) children(c *candidate) (list []Child) {
	members := s.members(c.sets, -1)
	for a := range s.by {
		if slices.ContainsFunc(c.sets, func(o set) bool { return o.attr == a }) {
			continue
		}
		sum := make([]sums, len(s.by[a]))
		for l := range s.sum {
			if row := s.row(l); inside(row, members) {
				sum[row[a]].add(s.sum[l])
			}
		}
		var here []Child
		for p, v := range sum {
			if p != 0 && v.x > v.e {
				here = append(here, Child{a, s.t.ids[a][p], v.x, v.n, v.e})
			}
		}
		slices.SortFunc(here, func(a, b Child) int {
			return cmp.Or(cmp.Compare(round(b.Failed-b.Expected), round(a.Failed-a.Expected)), cmp.Compare(a.Value, b.Value))
		})
		list = append(list, here[:min(len(here), mostChildren)]...)
	}
	return list
}

// keep returns the leaves that none of the explanations covers.
func (s *scan) keep(without []Explanation) []int32 {
	leaves := make([]int32, 0, len(s.t.leaves))
	for l := range s.t.leaves {
		row := s.t.row(l)
		if !slices.ContainsFunc(without, func(e Explanation) bool { return s.covers(e.Terms, row) }) {
			leaves = append(leaves, int32(l))
		}
	}
	return leaves
}

// covers reports whether all terms hold of a row.
func (s *scan) covers(terms []Term, row []uint32) bool {
	for _, t := range terms {
		if _, has := slices.BinarySearch(t.Values, s.t.ids[t.Attribute][row[t.Attribute]]); !has {
			return false
		}
	}
	return true
}
