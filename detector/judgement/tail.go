package judgement

import "math"

// surprise is -ln P(X ≥ x) for a negative binomial X with mean e and shape r, that is for a Poisson
// variable whose rate has a gamma distribution with mean e and variance e²/r. It is 0 where x is
// not above e. x need not be whole. The sum of the tail is bounded by the geometric series of its
// first ratio, so the result is never too large by it.
func surprise(x, e, r float64) float64 {
	if x <= e || e <= 0 {
		return 0
	}
	q := e / (e + r)
	ratio := q * (x + r) / (x + 1) // of the second term of the tail to the first
	if ratio >= 1 {
		return 0
	}
	a, _ := math.Lgamma(x + r)
	b, _ := math.Lgamma(x + 1)
	c, _ := math.Lgamma(r)
	log := a - b - c + r*math.Log1p(-q) + x*math.Log(q) - math.Log1p(-ratio)
	return max(-log, 0)
}

// poisson is the Poisson log-likelihood ratio of x failures at their own rate against e expected
// ones; 0 where x is not above e.
func poisson(x, e float64) float64 {
	if x <= e || e <= 0 {
		return 0
	}
	return x*math.Log(x/e) + e - x
}
