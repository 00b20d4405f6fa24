package judgement

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Sources that have several failures each make counts vary more than by chance. Once it is learned
// by how much, the evidence is what it says: the logarithm of how rare the count is.
func TestClusters(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var c clusters
	size := func() int { // of a source: 2 on average
		k := 1
		for k < 8 && rng.IntN(2) == 0 {
			k++
		}
		return k
	}
	for range 3000 {
		c.add(0, size())
	}
	cluster := c.mean()
	if cluster < 2.5 { // sources with 2 failures on average, and a variance of 2
		t.Errorf("cluster %.2f", cluster)
	}
	const n, mean = 20_000, 5.0
	high := 0
	for range n {
		x := 0
		for at := rng.ExpFloat64(); at < mean; at += rng.ExpFloat64() {
			x += size()
		}
		if surprise(float64(x)/cluster, 2*mean/cluster, 1e6) >= 5 {
			high++
		}
	}
	if most := 2 * n * math.Exp(-5); float64(high) > most {
		t.Errorf("%d of %d counts are as rare as %.0f should be", high, n, most/2)
	}
}

// Nobody makes the detector deaf by failing together.
func TestClustersBound(t *testing.T) {
	var c clusters
	for range 10_000 {
		for k := range 60 {
			c.add(k, 1)
		}
	}
	if m := c.mean(); m > togetherMost {
		t.Errorf("cluster %.1f", m)
	}
}

// What is known of requests from few reports is known badly.
func TestUncertainty(t *testing.T) {
	j := newJudge(t, Options{})
	p := j.newPopulation(populationKey{}, nil, 0)
	p.level.sum, p.level.n = 1e6, 10
	for range 1000 {
		p.rows.add(80)
	}
	few, many := &exposure{share: 320}, &exposure{share: 80_000}
	if u := p.uncertainty(few); math.Abs(u-0.25) > 0.01 {
		t.Errorf("four reports leave a relative variance of %.3f", u)
	}
	if u := p.uncertainty(many); u > 0.002 {
		t.Errorf("a thousand reports leave a relative variance of %.3f", u)
	}
}
