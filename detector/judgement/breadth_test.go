package judgement

import "testing"

// Thirty-six address prefixes are no wonder where sixteen failures are expected, as when a protocol
// with a tenth of the requests was blamed in calm; they are where two are, and where so many more
// fail that nobody could doubt it.
func TestSourcesEnough(t *testing.T) {
	for _, c := range []struct {
		expected float64
		clear    bool
		want     int
	}{{2, false, 32}, {16, false, 48}, {1000, false, 100}, {1000, true, 32}} {
		if got := sourcesEnough(c.expected, c.clear); got != c.want {
			t.Errorf("%.0f expected, clear %v: %d sources are enough, not %d", c.expected, c.clear, got, c.want)
		}
	}
}
