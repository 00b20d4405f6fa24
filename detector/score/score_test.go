package score

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// counts returns Poisson counts with a daily cycle, as changed by change.
func counts(n int, seed uint64, change func(i int, x float64) float64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	all := make([]float64, n)
	for i := range all {
		mean := 40 * (1 + 0.6*math.Sin(2*math.Pi*float64(i%288)/288))
		for p := rng.ExpFloat64(); p < mean; p += rng.ExpFloat64() {
			all[i]++
		}
		if change != nil {
			all[i] = change(i, all[i])
		}
	}
	return all
}

func scores(t *testing.T, values []float64) []float64 {
	t.Helper()
	s, err := New(5 * time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]float64, len(values))
	for i, v := range values {
		all[i] = s.Add(start.Add(time.Duration(i)*5*time.Minute), v, 0)
		if !(all[i] >= 0 && all[i] <= 1) {
			t.Fatalf("row %d: score %v", i, all[i])
		}
	}
	return all
}

func TestSpikesScoreAndGoOnQuietly(t *testing.T) {
	const at = 10 * 288
	for seed := range uint64(5) {
		all := scores(t, counts(15*288, seed, func(i int, x float64) float64 {
			if i >= at && i < at+36 {
				return 6 * x
			}
			return x
		}))
		for i, s := range all {
			switch {
			case i >= 3*288 && i < at && s > 0.6:
				t.Errorf("seed %d: row %d of calm scores %v", seed, i, s)
			case i == at && s < 0.75:
				t.Errorf("seed %d: the spike scores %v", seed, s)
			}
		}
		again := 0
		for _, s := range all[at+1:] {
			if s > 0.6 {
				again++
			}
		}
		if again > 3 {
			t.Errorf("seed %d: %d rows after the spike's first score like one", seed, again)
		}
	}
}

// Spikes that come back every day, each a hair above the last, are not each the highest of
// weeks.
func TestRecordsByAHairScoreLikeRepetitions(t *testing.T) {
	all := scores(t, counts(14*288, 3, func(i int, x float64) float64 {
		if i >= 9*288 && i%288 == 0 {
			return 400 * (1 + float64(i-9*288)/(30*288))
		}
		return x
	}))
	for i := 9 * 288; i < len(all); i += 288 {
		if first := i == 9*288; (all[i] > 0.75) != first {
			t.Errorf("the spike of row %d scores %v", i, all[i])
		}
	}
}

// A score depends only on the rows up to it.
func TestScoresAreStreamed(t *testing.T) {
	values := counts(2000, 1, nil)
	whole := scores(t, values)
	for i, s := range scores(t, values[:700]) {
		if s != whole[i] {
			t.Fatalf("row %d scores %v, and %v when more follows", i, s, whole[i])
		}
	}
}

// A day with twice the requests and twice the failures is a day like any other.
func TestExposure(t *testing.T) {
	s, err := New(5 * time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	most := 0.0
	for i, v := range counts(8*288, 2, nil) {
		exposure := 10_000.0
		if i >= 6*288 {
			v, exposure = 8*v, 8*exposure
		}
		if got := s.Add(start.Add(time.Duration(i)*5*time.Minute), v, exposure); i >= 6*288 {
			most = max(most, got)
		}
	}
	if most > 0.6 {
		t.Errorf("more requests score %v", most)
	}
}

func TestOddValues(t *testing.T) {
	odd := []float64{0, -5, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64}
	var values []float64
	for i := range 400 {
		values = append(values, odd[i%len(odd)])
	}
	scores(t, values)
	for _, s := range scores(t, make([]float64, 1000)) {
		if s != 0 {
			t.Fatalf("nothing but zeros scores %v", s)
		}
	}
	for _, bin := range []time.Duration{0, time.Millisecond, 25 * time.Hour} {
		if _, err := New(bin); err == nil {
			t.Errorf("bins of %v are taken", bin)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s, err := New(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * maxHistory {
		s.Add(start.Add(time.Duration(i)*time.Minute), float64(3*maxHistory-i), 0)
	}
	if n := len(s.plain.sorted); n != maxHistory {
		t.Errorf("%d values are kept", n)
	}
	if n := len(s.returns.peaks); n > maxHistory+2 {
		t.Errorf("%d peaks are kept", n)
	}
}

func TestReturns(t *testing.T) {
	r := returns{most: 5}
	for i, c := range []struct {
		value float64
		bins  int
	}{{1, 2}, {3, 3}, {2, 1}, {2, 1}, {3, 3}, {1, 1}, {0, 1}, {0.5, 2}, {9, 5}, {8, 1}, {9.1, 2}, {4, 1}, {9.4, 2}, {10, 5}} {
		if bins := r.add(c.value, 2); bins != c.bins {
			t.Errorf("%d: %v came back after %d bins, want %d", i, c.value, bins, c.bins)
		}
	}
}
