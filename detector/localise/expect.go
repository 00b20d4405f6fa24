package localise

import "slices"

// rakeRounds is how often the rates are fitted to all attributes. More rounds change little.
const rakeRounds = 3

// prepare computes what is expected of the leaves, and keeps those with requests.
func (s *scan) prepare() {
	kept := s.keep(s.o.Without)
	rate, rates := s.rates(kept)
	width := len(s.t.names)
	for a := range s.known {
		s.known[a] = slices.Repeat([]float64{s.o.Prior * rate}, len(s.t.ids[a]))
	}
	s.sum = make([]sums, 0, len(kept))
	s.rows = make([]uint32, 0, len(kept)*width)
	for i, l := range kept {
		for a, p := range s.t.row(int(l)) {
			s.known[a][p] += s.t.leaves[l].UsualFailed
		}
		f := s.clip(s.t.leaves[l])
		if f.Requests <= 0 && f.Failed <= 0 {
			continue
		}
		e := (f.UsualFailed + s.o.Prior*rates[i]) / (f.UsualRequests + s.o.Prior) * f.Requests
		s.sum = append(s.sum, sums{f.Failed, f.Requests, e, f.Buckets})
		s.rows = append(s.rows, s.t.row(int(l))...)
		s.all.add(s.sum[len(s.sum)-1])
	}
}

// clip leaves out the requests that failed beyond what the leaf's buckets count for.
func (s *scan) clip(l Leaf) Leaf {
	if over := l.Failed - s.o.MaxPerBucket*l.Buckets; s.o.MaxPerBucket > 0 && over > 0 {
		l.Failed -= over
		l.Requests = max(l.Requests-over, l.Failed)
	}
	return l
}

// rates returns the rate of all leaves, and for each the rate that its own is shrunk towards. That
// is the rate of all leaves, unless the leaves are so thin that it would decide more than their own
// history; then it is the rate that their values suggest.
func (s *scan) rates(leaves []int32) (rate float64, rates []float64) {
	var failed, requests, now, prior float64
	for _, l := range leaves {
		f := &s.t.leaves[l]
		failed += f.UsualFailed
		requests += f.UsualRequests
		now += f.Requests
		prior += f.Requests * s.o.Prior / (f.UsualRequests + s.o.Prior)
	}
	rate = (failed + 0.5) / (requests + 1) // half a failure: Jeffreys' prior
	rates = slices.Repeat([]float64{rate}, len(leaves))
	if prior > now/2 {
		s.rake(leaves, rates, s.o.Prior*rate)
	}
	return rate, rates
}

// rake fits the rates to the history of every value of every attribute, one attribute after the
// other (iterative proportional fitting: Deming and Stephan 1940). So a network in which more fails
// at all times is expected to go on, although no single leaf of it is known well. A value with a
// short history stays near the average: weight is in failures.
func (s *scan) rake(leaves []int32, rates []float64, weight float64) {
	type fit struct{ failed, expected float64 }
	for range rakeRounds {
		for a := range s.t.names {
			by := make([]fit, len(s.t.ids[a]))
			for i, l := range leaves {
				v := &by[s.t.row(int(l))[a]]
				v.failed += s.t.leaves[l].UsualFailed
				v.expected += s.t.leaves[l].UsualRequests * rates[i]
			}
			for i, l := range leaves {
				v := by[s.t.row(int(l))[a]]
				rates[i] = min(rates[i]*(v.failed+weight)/(v.expected+weight), 1)
			}
		}
	}
}
