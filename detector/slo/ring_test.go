package slo

import (
	"testing"
	"time"
)

func TestRing(t *testing.T) {
	r := newRing(time.Minute, 10*time.Minute)
	at := func(minute int64) time.Time { return time.Unix(minute*60, 0) }
	for m := int64(100); m < 110; m++ {
		r.set(m, Sum{10, 1})
	}
	check := func(now time.Time, window time.Duration, requests float64) {
		t.Helper()
		if got := r.sum(now, window); got.Requests != requests {
			t.Errorf("%v up to minute %d: %v, want %v", window, now.Unix()/60, got.Requests, requests)
		}
	}
	check(at(110), 5*time.Minute, 50)
	check(at(110), 10*time.Minute, 100)
	check(at(113), 5*time.Minute, 20) // the last three are not there yet
	check(at(200), 5*time.Minute, 0)
	r.set(109, Sum{30, 1}) // replaces
	check(at(110), 5*time.Minute, 70)
	r.set(50, Sum{1000, 1}) // too old
	check(at(110), 10*time.Minute, 120)
	r.set(115, Sum{10, 1}) // leaves a gap
	check(at(116), 10*time.Minute, 3*10+30+10)
	r.set(1000, Sum{10, 1}) // leaves nothing
	check(at(1001), 10*time.Minute, 10)
}
