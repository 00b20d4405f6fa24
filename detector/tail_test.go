package detector

import (
	"math"
	"math/rand/v2"
	"testing"
)

// directTail sums the negative binomial's probabilities, from x away from its mode, so that
// nothing cancels.
func directTail(x int, n, a, b float64) float64 {
	q := n / (b + n)
	at := func(k int) float64 {
		v, _ := math.Lgamma(a + float64(k))
		w, _ := math.Lgamma(a)
		u, _ := math.Lgamma(float64(k) + 1)
		return math.Exp(v - w - u + a*math.Log1p(-q) + float64(k)*math.Log(q))
	}
	sum, term := 0.0, at(x)
	if float64(x) > a*n/b { // above the mean
		for k := x; term > sum*1e-17; k++ {
			sum += term
			term *= q * (a + float64(k)) / float64(k+1)
		}
		return sum
	}
	for k := x; k > 0; k-- {
		term *= float64(k) / (q * (a + float64(k-1)))
		sum += term
	}
	return 1 - sum
}

func TestTailEvidenceEqualsDirectSum(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		b := math.Exp(rng.Float64() * 12)
		n := math.Exp(rng.Float64() * 9)
		a := b * math.Exp(-rng.Float64()*9)
		x := 1 + rng.IntN(1+int(3*n*a/b)+20)
		want := -math.Log(directTail(x, n, a, b))
		got := tailEvidence(float64(x), n, a, b)
		if want > 600 {
			if got < 590 {
				t.Fatalf("x=%d n=%g a=%g b=%g: %g, want %g", x, n, a, b, got, want)
			}
			continue
		}
		if math.Abs(got-want) > 1e-6*max(1, want) {
			t.Fatalf("x=%d n=%g a=%g b=%g: %g, want %g", x, n, a, b, got, want)
		}
	}
}

func TestTailEvidenceAtTheEdges(t *testing.T) {
	for name, c := range map[string]struct{ x, n, a, b, low, high float64 }{
		"nothing happened":        {0, 100, 1, 100, 0, 0},
		"nobody was there":        {3, 0, 1, 100, 0, 0},
		"as expected":             {1, 100, 1000, 100_000, 0, 1},
		"below the expected":      {1, 1e6, 1000, 100_000, 0, 1e-9},
		"beyond a float":          {1e6, 1e6, 1, 1e6, maxEvidence * 0.9, maxEvidence},
		"hardly any history":      {60, 60, 0.2, 20, 15, 30},
		"a shape of next to zero": {5, 10, 1e-9, 1000, 20, 60},
	} {
		if got := tailEvidence(c.x, c.n, c.a, c.b); !(got >= c.low && got <= c.high) {
			t.Errorf("%s: %g, want %g to %g", name, got, c.low, c.high)
		}
	}
}

func TestSurpriseRisesWithTheExcess(t *testing.T) {
	if surprise(5, 5) != 0 || surprise(3, 5) != 0 || surprise(3, 0) != 0 {
		t.Error("no excess must be no surprise")
	}
	if a, b := surprise(10, 2), surprise(11, 2); !(a > 0 && b > a) {
		t.Errorf("%g then %g", a, b)
	}
}
