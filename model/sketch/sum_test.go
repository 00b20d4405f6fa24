package sketch

import (
	"math"
	"testing"
)

func TestSumsSaturate(t *testing.T) {
	const most = math.MaxInt64
	for _, c := range [][3]uint64{
		{1, 2, 3}, {0, 0, 0}, {most, 0, most}, {most, 1, most}, {most - 1, 1, most}, {1 << 63, 0, most}, {math.MaxUint64, math.MaxUint64, most}, {0, math.MaxUint64, most},
	} {
		if got := Sum(c[0], c[1]); got != c[2] || Sum(c[1], c[0]) != got {
			t.Errorf("%d + %d is %d, want %d", c[0], c[1], got, c[2])
		}
	}
	var s Spread
	for range 3 {
		s.Add(Part{Raw: most, Estimated: most, Whole: most})
	}
	var back Spread
	if err := back.Decode(s.Append(nil)); err != nil {
		t.Fatal(err)
	}
	for b := range back.Buckets {
		if b.Raw != most {
			t.Errorf("%d requests, want %d", b.Raw, uint64(most))
		}
	}
}
