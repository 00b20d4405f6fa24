package localise

import (
	"cmp"
	"math"
	"slices"
)

// Bounds of the search. Tables of few values are searched in full.
const (
	maxTerms  = 3
	topValues = 64 // values of each attribute that pairs are made of
	topPairs  = 64 // pairs that are extended to triples
	topSeeds  = 8  // elements of each size that are widened
)

// scan is one search over a table.
type scan struct {
	t     *Table
	o     Options
	sum   []sums   // by leaf: those with requests that are not left out
	rows  []uint32 // the places of their values
	all   sums
	by    [][]sums  // by attribute and place
	cost  []float64 // by attribute: logarithm of the number of its values
	found [maxTerms][]element

	known   [][]float64 // by attribute and place: the failures that its usual rate is known from
	scratch []sums      // as long as the largest of by
}

// element is a combination of one value each of up to three attributes.
type element struct {
	size   int
	attrs  [maxTerms]uint8
	places [maxTerms]uint32
	sums
	score float64
}

func newScan(t *Table, o Options) *scan {
	s := &scan{t: t, o: o.withDefaults(), by: make([][]sums, len(t.names)), known: make([][]float64, len(t.names))}
	s.prepare()
	s.cost = make([]float64, len(t.names))
	for a := range t.names {
		s.by[a] = make([]sums, len(t.ids[a]))
		if len(s.by[a]) > len(s.scratch) {
			s.scratch = make([]sums, len(s.by[a]))
		}
		s.cost[a] = math.Log(float64(max(len(t.ids[a])-1, 1)))
		for l := range s.sum {
			s.by[a][s.row(l)[a]].add(s.sum[l])
		}
	}
	return s
}

// row returns the places of a leaf's values.
func (s *scan) row(leaf int) []uint32 {
	return s.rows[leaf*len(s.by):][:len(s.by)]
}

// search finds the elements that are hit more than the rest.
func (s *scan) search() {
	top := make([][]uint32, len(s.by))
	for a, values := range s.by {
		for p, v := range values {
			s.keepElement(element{size: 1, attrs: [maxTerms]uint8{uint8(a)}, places: [maxTerms]uint32{uint32(p)}, sums: v})
		}
		top[a] = s.top(a)
	}
	for a := range top {
		for b := a + 1; b < len(top); b++ {
			s.pairs(a, b, top[a], top[b])
		}
	}
	s.trim(2)
	for _, p := range s.found[1][:min(len(s.found[1]), topPairs)] {
		s.triples(p)
	}
	for size := 1; size <= maxTerms; size++ {
		s.trim(size)
	}
}

// top returns the values of an attribute that are worth combining: those with the most evidence.
func (s *scan) top(a int) []uint32 {
	var top []uint32
	for p, v := range s.by[a] {
		if p != 0 && v.x > 0 {
			top = append(top, uint32(p))
		}
	}
	if len(top) > topValues {
		v := s.by[a]
		slices.SortFunc(top, func(p, q uint32) int {
			return cmp.Or(-cmp.Compare(evidence(v[p].x, v[p].e), evidence(v[q].x, v[q].e)),
				-cmp.Compare(v[p].x-v[p].e, v[q].x-v[q].e), cmp.Compare(s.t.ids[a][p], s.t.ids[a][q]))
		})
		top = top[:topValues]
	}
	return top
}

// pairs sums all combinations of the given values of two attributes.
func (s *scan) pairs(a, b int, as, bs []uint32) {
	slotA, slotB := slots(as, len(s.by[a])), slots(bs, len(s.by[b]))
	sum := make([]sums, len(as)*len(bs))
	for l := range s.sum {
		row := s.row(l)
		if i, j := slotA[row[a]], slotB[row[b]]; i > 0 && j > 0 {
			sum[int(i-1)*len(bs)+int(j-1)].add(s.sum[l])
		}
	}
	for i, p := range as {
		for j, q := range bs {
			s.keepElement(element{size: 2, attrs: [maxTerms]uint8{uint8(a), uint8(b)}, places: [maxTerms]uint32{p, q}, sums: sum[i*len(bs)+j]})
		}
	}
}

// slots returns, for each place, its position in list plus 1, or 0.
func slots(list []uint32, places int) []uint8 {
	s := make([]uint8, places)
	for i, p := range list {
		s[p] = uint8(i + 1)
	}
	return s
}

// triples extends a pair by every value of every other attribute.
func (s *scan) triples(pair element) {
	var inside []int
	for l := range s.sum {
		if row := s.row(l); row[pair.attrs[0]] == pair.places[0] && row[pair.attrs[1]] == pair.places[1] {
			inside = append(inside, l)
		}
	}
	for a := range s.by {
		if a == int(pair.attrs[0]) || a == int(pair.attrs[1]) {
			continue
		}
		clear(s.scratch[:len(s.by[a])])
		for _, l := range inside {
			s.scratch[s.row(l)[a]].add(s.sum[l])
		}
		for p, v := range s.scratch[:len(s.by[a])] {
			if v.x > 0 {
				s.keepElement(pair.with(a, uint32(p), v))
			}
		}
	}
}

// with returns the element with one more value, its attributes in order.
func (e element) with(a int, place uint32, v sums) element {
	o := element{size: e.size + 1, sums: v}
	i := 0
	for ; i < e.size && int(e.attrs[i]) < a; i++ {
		o.attrs[i], o.places[i] = e.attrs[i], e.places[i]
	}
	o.attrs[i], o.places[i] = uint8(a), place
	for ; i < e.size; i++ {
		o.attrs[i+1], o.places[i+1] = e.attrs[i], e.places[i]
	}
	return o
}

// keepElement keeps an element if it is hit more than the rest and all its values are known.
func (s *scan) keepElement(e element) {
	price := 0.0
	for i := range e.size {
		if e.places[i] == 0 {
			return
		}
		price += s.cost[e.attrs[i]]
	}
	if e.buckets < s.o.MinBuckets {
		return
	}
	if e.score = round(s.score(e.sums, price)); e.score <= -price {
		return
	}
	list := &s.found[e.size-1]
	if *list = append(*list, e); len(*list) >= 8*topPairs {
		s.trim(e.size)
	}
}

// trim keeps the best elements of a size, each once, in order.
func (s *scan) trim(size int) {
	list := s.found[size-1]
	slices.SortFunc(list, s.compare)
	list = slices.CompactFunc(list, func(a, b element) bool { return a.attrs == b.attrs && a.places == b.places })
	s.found[size-1] = list[:min(len(list), topPairs)]
}

func (s *scan) compare(a, b element) int {
	if c := cmp.Compare(b.score, a.score); c != 0 {
		return c
	}
	if c := cmp.Or(cmp.Compare(a.size, b.size), slices.Compare(a.attrs[:], b.attrs[:])); c != 0 {
		return c
	}
	for i := range a.size {
		ids := s.t.ids[a.attrs[i]]
		if c := cmp.Compare(ids[a.places[i]], ids[b.places[i]]); c != 0 {
			return c
		}
	}
	return 0
}

// round makes scores comparable that differ only by the order in which leaves were summed.
func round(score float64) float64 { return math.Round(score*1e6) / 1e6 }
