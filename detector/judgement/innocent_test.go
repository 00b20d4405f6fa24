package judgement

import (
	"math"
	"testing"
)

// What is left out must be shown to be innocent: where little is asked for, that nothing fails
// there shows nothing.
func TestFewer(t *testing.T) {
	for _, c := range []struct {
		name                  string
		inside, outside, part float64
		want                  bool
	}{
		{"a network of 1 %, and nobody else", 5, 0, 0.99, true},
		{"two protocols of three, with 90 % of the requests", 60, 0, 0.1, false},
		{"the same, for longer", 600, 0, 0.1, true},
		{"one system of five, with 60 %", 9, 0, 0.4, false},
		{"a version with 10 %, of which all others fail somewhat more, too", 100, 60, 0.9, true},
		{"as much outside", 30, 70, 0.7, false},
		{"nothing fails", 0, 0, 0.5, false},
	} {
		if got := fewer(c.inside, c.outside, c.part); got >= innocent != c.want {
			t.Errorf("%s: %.1f nats", c.name, got)
		}
	}
	if got := fewer(50, 50, 0.9); math.Abs(got-(50*math.Log(0.5/0.1)+50*math.Log(0.5/0.9))) > 1e-9 {
		t.Errorf("%.2f nats", got)
	}
}
