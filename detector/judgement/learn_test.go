package judgement

import (
	"math/rand/v2"
	"testing"
)

// The spread of a series is learned in every minute, however busy the series is and however long it
// runs, and whether or not its counts seemed suspicious. When only sparse series were learned after
// half an hour, busy ones were taken to be as steady as in their first minutes.
func TestLearnSpread(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	j := newJudge(t, Options{})
	p := j.newPopulation(populationKey{}, nil, 0)
	p.level.sum, p.level.n = 1e6, 1e3
	p.any.all.a, p.any.all.b = 100, 10_000
	var noise float64 // of the present minute
	for bin := int64(1); bin < 3*360; bin++ {
		p.settled = bin
		if bin%spreadBins == 0 {
			noise = (rng.ExpFloat64() + rng.ExpFloat64()) / 2 // relative variance 0.5
		}
		s := p.any.all
		s.bring(bin, p.any)
		mean := 10 * noise
		for at := rng.ExpFloat64(); at < mean; at += rng.ExpFloat64() {
			s.add(bin, 1)
		}
		x := s.counts(bin)
		if f := p.any.look(s, &x); f.evidence >= suspicious {
			j.doubt(&f, bin)
		}
	}
	if n := p.any.spread[everyone].noise(); n < 0.3 || n > 0.8 {
		t.Errorf("noise %.2f", n)
	}
}
