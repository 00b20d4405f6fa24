package report_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// The bounds are the powers of 2^(1/8) ms, each in the bucket below it.
func TestHistogramBounds(t *testing.T) {
	last := report.HistogramBuckets - 1
	for i := range last {
		want := math.Exp2(float64(i)/8) * float64(time.Millisecond)
		bound := report.HistogramBound(uint8(i))
		if math.Abs(float64(bound)-want) > 1 {
			t.Errorf("bound %d is %v, want %v", i, bound, time.Duration(want))
		}
		if got := report.HistogramIndex(bound); int(got) != i {
			t.Errorf("%v is in bucket %d, want %d", bound, got, i)
		}
		if got := report.HistogramIndex(bound + 2); int(got) != i+1 {
			t.Errorf("%v is in bucket %d, want %d", bound+2, got, i+1)
		}
	}
	for d, want := range map[time.Duration]int{
		math.MinInt64: 0, -1: 0, 0: 0, 1: 0, time.Millisecond: 0, time.Millisecond + 1: 1, 2 * time.Millisecond: 8, 1024 * time.Millisecond: 80,
		16 * time.Minute: last - 1, 17 * time.Minute: last, 24 * time.Hour: last, math.MaxInt64: last,
	} {
		if got := report.HistogramIndex(d); int(got) != want {
			t.Errorf("%v is in bucket %d, want %d", d, got, want)
		}
	}
}

// The geometric middle of a bucket is at most 4.4 % off.
func TestHistogramError(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		d := time.Duration(float64(time.Millisecond) * math.Exp2(19.8*rng.Float64()))
		i := report.HistogramIndex(d)
		if i == 0 {
			continue
		}
		low, high := float64(report.HistogramBound(i-1)), float64(report.HistogramBound(i))
		if f := float64(d); f < low || f > high+1 {
			t.Fatalf("%v is in bucket %d of %v to %v", d, i, low, high)
		}
		if off := math.Abs(math.Sqrt(low*high)/float64(d) - 1); off > 0.0443 {
			t.Fatalf("%v is counted as %v: %.2f %% off", d, time.Duration(math.Sqrt(low*high)), 100*off)
		}
	}
}

func TestGroups(t *testing.T) {
	w := &report.Window{Counters: []report.Counter{
		{Target: "a", Outcome: "http.error", Status: 500}, {Target: "a", Outcome: "ok", Status: 200}, {Target: "a", Outcome: "ok", Status: 204}, {Target: "b", Outcome: "ok"},
	}}
	var sizes []int
	for g := range w.Groups() {
		sizes = append(sizes, len(g))
	}
	if len(sizes) != 3 || sizes[0] != 1 || sizes[1] != 2 || sizes[2] != 1 {
		t.Errorf("groups of %v", sizes)
	}
}

// Adding histograms gives what counting all at once does.
func TestHistogramsAreExactToAdd(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var counts [report.HistogramBuckets]uint64
	var sum report.Histogram
	for range 200 {
		var h report.Histogram
		for i := range counts {
			if n := rng.Uint64N(100); rng.IntN(4) == 0 && n > 0 {
				h = append(h, report.HistogramBucket{Index: uint8(i), Count: n})
				counts[i] += n
			}
		}
		sum = sum.Plus(h)
	}
	for i, n := range counts {
		if sum[i] != (report.HistogramBucket{Index: uint8(i), Count: n}) {
			t.Fatalf("bucket %d has %+v, want %d", i, sum[i], n)
		}
	}
	full := report.Histogram{{Index: 3, Count: report.MaxCount}}
	if got := full.Plus(full); len(got) != 1 || got[0] != full[0] || got.Total() != report.MaxCount {
		t.Errorf("%v", got)
	}
}
