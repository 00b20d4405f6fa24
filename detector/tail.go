package detector

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// maxEvidence is the most that a tail can say: beyond it the probability is not a float64 any more.
const maxEvidence = 700

// tailEvidence is -ln P(X >= x) for the number of failures X among n requests when the rate has the
// gamma distribution with shape a and rate b, that is after a failures among b requests: X is
// negative binomial and the tail is the regularised incomplete beta I(n/(b+n); x, a). It is 0 when
// x is nothing to wonder at. a and b must be positive; x need not be whole.
func tailEvidence(x, n, a, b float64) float64 {
	if x <= 0 || n <= 0 {
		return 0
	}
	p := mathext.RegIncBeta(x, a, n/(b+n))
	if !(p > 0) {
		return maxEvidence
	}
	return min(max(-math.Log(p), 0), maxEvidence)
}

// surprise is the Poisson log-likelihood ratio of x failures at their own rate against e expected
// ones; 0 when x is not above e.
func surprise(x, e float64) float64 {
	if x <= e || e <= 0 {
		return 0
	}
	return x*math.Log(x/e) + e - x
}
