package localise

import (
	"cmp"
	"math"
	"slices"
)

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

// clear returns the values of an attribute that are clearly hit by themselves, against
// a background.
//
// The evidence that it takes grows with the number of values, since one of many is high by chance;
// but less so where many are high: of k values that pass, about k × exp(−clearlyHit) are innocent.
// This is the step-up procedure of Benjamini and Hochberg (1995).
func (s *scan) clear(attr int, values []sums, background float64) []uint32 {
	type value struct {
		place    uint32
		evidence float64
	}
	var list []value
	for p, v := range values {
		if p == 0 || v.x <= 0 || v.buckets < s.o.MinBuckets {
			continue
		}
		if f := s.certain(attr, p, v, background); f >= clearlyHit {
			list = append(list, value{uint32(p), round(f)})
		}
	}
	slices.SortFunc(list, func(a, b value) int { return cmp.Compare(b.evidence, a.evidence) })
	k := len(list)
	for k > 0 && list[k-1].evidence < clearlyHit+s.cost[attr]-math.Log(float64(k)) {
		k--
	}
	hit := make([]uint32, k)
	for i := range hit {
		hit[i] = list[i].place
	}
	return hit
}

// certain is the evidence that a value gives by itself, divided by how much the variance of its
// failures exceeds that of a Poisson distribution: by clusters, by better and worse periods, and
// because its usual rate is known from few failures.
func (s *scan) certain(attr, place int, v sums, background float64) float64 {
	e := v.e * background
	return evidence(v.x, e) / (s.o.Dispersion + (s.o.Noise+1/s.known[attr][place])*e)
}

// choice is the price, in nats, of having picked k of n values: the logarithm of the number of ways
// to pick them, and of k.
func choice(n, k int) float64 {
	n = max(n, k)
	return logFactorial(n) - logFactorial(k) - logFactorial(n-k) + math.Log(float64(k))
}

func logFactorial(n int) float64 {
	f, _ := math.Lgamma(float64(n + 1))
	return f
}
