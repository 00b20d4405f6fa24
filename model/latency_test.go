package model_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// one is the histogram of one duration.
func one(d time.Duration) report.Histogram {
	return report.Histogram{{Index: report.HistogramIndex(d), Count: 1}}
}

// Percentiles and shares are those of the durations themselves, to within a bucket, and do not
// depend on how they were merged.
func TestLatencyIsThatOfTheDurations(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var whole, first, second model.Latency
	var all []time.Duration
	for i := range 20_000 {
		d := time.Duration(float64(80*time.Millisecond) * math.Exp(0.8*rng.NormFloat64()))
		all = append(all, d)
		whole.Add(one(d), 1)
		if i%3 == 0 {
			first.Add(one(d), 1)
		} else {
			second.Add(one(d), 1)
		}
	}
	slices.Sort(all)
	if first.Merge(&second); first != whole {
		t.Error("merged in two parts it is another")
	}
	for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 1} {
		want := all[max(int(q*float64(len(all)))-1, 0)]
		if got := whole.Quantile(q); math.Abs(float64(got)/float64(want)-1) > 0.045 {
			t.Errorf("p%v is %v, want %v", 100*q, got, want)
		}
	}
	for _, limit := range []time.Duration{20 * time.Millisecond, 80 * time.Millisecond, 300 * time.Millisecond, 900 * time.Millisecond} {
		i, _ := slices.BinarySearch(all, limit+1)
		if want, got := float64(len(all)-i), whole.Slower(limit); math.Abs(got-want) > 0.01*float64(len(all)) {
			t.Errorf("%v are slower than %v, want %v", got, limit, want)
		}
	}
}

func TestLatencyOfFew(t *testing.T) {
	var none, weighted model.Latency
	if none.Quantile(0.5) != 0 || none.Slower(time.Second) != 0 || none.Requests() != 0 {
		t.Error("there is something in nothing")
	}
	weighted.Add(one(0), 20)
	weighted.Add(one(time.Hour), 0.5)
	if got := weighted.Requests(); got != 20.5 {
		t.Errorf("%v requests", got)
	}
	for _, limit := range []time.Duration{time.Millisecond, time.Second, 10 * time.Minute} {
		if got := weighted.Slower(limit); got != 0.5 {
			t.Errorf("%v slower than %v", got, limit)
		}
	}
	if p50, p99 := weighted.Quantile(0.5), weighted.Quantile(0.99); p50 != time.Millisecond || p99 != report.HistogramBound(report.HistogramBuckets-1) {
		t.Errorf("%v, %v", p50, p99)
	}
}

func TestLatencyIsStored(t *testing.T) {
	var l, got model.Latency
	l.Add(report.Histogram{{Index: 0, Count: 3}, {Index: 57, Count: 1}, {Index: 160, Count: report.MaxCount}}, 100.0/3)
	b := l.Append(nil)
	got[5] = 1
	if err := got.Decode(b); err != nil || got != l {
		t.Errorf("%v, %v", got, err)
	}
	nan := slices.Concat([]byte{1}, []byte{0x7f, 0xf8, 0, 0, 0, 0, 0, 0})
	for _, damaged := range [][]byte{b[:len(b)-1], {161, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0}, {1, 0, 0, 0, 0, 0, 0, 0, 0}, nan, append(slices.Clone(b[:9]), b[:9]...)} {
		if got.Decode(damaged) == nil {
			t.Errorf("%x was taken", damaged)
		}
	}
}
