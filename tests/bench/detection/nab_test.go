package detection

import (
	"math"
	"testing"
)

func TestNABScores(t *testing.T) {
	// a hundred rows are not counted; windows of a hundred rows begin at 300 and 700
	series := func(alarms ...int) []*nabSeries {
		s := &nabSeries{scores: make([]float64, 1000), windows: [][2]int{{300, 399}, {700, 799}}, skip: 100}
		for _, i := range alarms {
			s.scores[i] = 1
		}
		return []*nabSeries{s}
	}
	for name, c := range map[string]struct {
		alarms []int
		want   float64
	}{
		"nothing":                            {nil, 0},
		"both at once":                       {[]int{300, 700}, 100},
		"both, again and again":              {[]int{300, 301, 350, 399, 700, 750}, 100},
		"one":                                {[]int{300}, 50},
		"one, and wrong before any":          {[]int{200, 300}, 50 - 25*0.11},
		"one, and wrong long after":          {[]int{300, 699}, 50 - 25*0.11},
		"one, and a little after its end":    {[]int{300, 400}, 50 + 25*0.11*sigmoid(1.0/99)},
		"one at its end":                     {[]int{399}, 25 * (1 + sigmoid(-0.01)/0.98661)},
		"wrong where nothing is counted":     {[]int{5, 99}, 0},
		"everything but what is not counted": {[]int{99, 300, 700}, 100},
	} {
		if got := normalised(series(c.alarms...), 0.5); math.Abs(got-c.want) > 0.01 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	threshold, best := bestThreshold(series(300, 700))
	if threshold != 1 || math.Abs(best-100) > 0.01 {
		t.Errorf("threshold %v scores %v", threshold, best)
	}
}
