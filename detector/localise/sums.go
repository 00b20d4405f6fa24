package localise

import "math"

// sums counts the requests of several leaves.
type sums struct {
	x       float64 // failed
	n       float64 // requests
	e       float64 // expected to fail
	buckets float64
}

func (s *sums) add(o sums) {
	s.x += o.x
	s.n += o.n
	s.e += o.e
	s.buckets += o.buckets
}

func (s sums) minus(o sums) sums {
	return sums{max(s.x-o.x, 0), max(s.n-o.n, 0), max(s.e-o.e, 0), max(s.buckets-o.buckets, 0)}
}

func (s sums) ratio() float64 { return s.x / max(s.e, math.SmallestNonzeroFloat32) }

// evidence is the log-likelihood ratio, in nats, of a Poisson rate of x against one of e < x. It is
// 0 unless more failed than expected.
func evidence(x, e float64) float64 {
	if x <= e {
		return 0
	}
	e = max(e, math.SmallestNonzeroFloat32)
	return x*math.Log(x/e) + e - x
}

// background is the ratio of failed to expected requests outside of part, and 1 unless more failed
// there than expected.
func (s *scan) background(part sums) float64 {
	rest := s.all.minus(part)
	return max(1, (rest.x+steady)/(rest.e+steady))
}

// score is the evidence that part is hit more than the rest, less the price of having picked it.
func (s *scan) score(part sums, price float64) float64 {
	return evidence(part.x, part.e*s.background(part))/s.o.Dispersion - price
}

// clear reports whether the value of an attribute is clearly hit by itself, against a background.
func (s *scan) clear(v sums, background float64, attribute int) bool {
	if v.buckets < s.o.MinBuckets {
		return false
	}
	e := v.e * background
	return evidence(v.x, e)/(s.o.Dispersion+s.o.Noise*e) >= clearlyHit+s.cost[attribute]
}
