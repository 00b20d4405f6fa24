package judgement

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Networks whose rates are alike are learned to be, and those whose rates differ by a factor of
// three as well.
func TestApart(t *testing.T) {
	for _, c := range []struct {
		factors     []float64
		least, most float64
	}{
		{[]float64{1, 1}, 4, 20},     // shapes
		{[]float64{0.5, 1.5}, 2, 10}, // relative variance 0.25
		{[]float64{0.05, 2}, 0.8, 1.9},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		j := newJudge(t, Options{})
		p := j.newPopulation(populationKey{}, nil, 0)
		p.any.all.a, p.any.all.b = 1000, 100_000
		for v := range uint32(500) {
			s := p.any.open(byASN, v+1, 0)
			s.b = 300
			mean := 3 * c.factors[v%2]
			for at := rng.ExpFloat64(); at < mean; at += rng.ExpFloat64() {
				s.a++
			}
		}
		p.any.clusters.sum = 1e6 // one by one
		p.any.clusters.squares = 1e6
		p.any.spread[byASN].small.sum = 1e6
		p.any.compare()
		if shape := p.any.shape(byASN); shape < c.least || shape > c.most {
			t.Errorf("factors %v: shape %.2f", c.factors, shape)
		}
	}
}

// At a cold start a rate is known from a few minutes only, which are as noisy as any.
func TestDoubt(t *testing.T) {
	j := newJudge(t, Options{})
	p := j.newPopulation(populationKey{}, nil, 0)
	p.level.sum, p.level.n = 1e6, 100
	s := p.any.all
	s.a = 1e4
	minute := spreadBins * p.requests(s.exposure)
	s.b = 2 * minute
	young := p.any.doubt(s)
	s.b = 1000 * minute
	if old := p.any.doubt(s); young < 1.4*old {
		t.Errorf("variance %.2f after two minutes, %.2f after a thousand", young, old)
	}
}

// The prices of all streams are those of weights that sum to one.
func TestLooks(t *testing.T) {
	w := small(22)
	w.targets = 3
	j := newJudge(t, Options{})
	w.run(j, 5*time.Minute)
	sum := 0.0
	for _, p := range j.order {
		for _, st := range append(slices.Collect(maps.Values(p.outcomes)), p.any) {
			sum += math.Exp(-j.looks.price(j, st, j.next))
		}
	}
	if sum < 0.999 || sum > 1.001 {
		t.Errorf("weights sum to %.4f", sum)
	}
}
