package detector

import (
	"testing"
	"time"
)

// The judge's time goes on when the clock is put back, hours of the week stay what they are, and
// what was judged before is told in the time of before.
func TestTheJudgesTimeNeverGoesBack(t *testing.T) {
	l := timeline{lapse: 1}
	start := time.Date(2026, 11, 30, 2, 0, 0, 0, time.UTC)
	before := l.judges(start.UnixMilli())
	for _, by := range []time.Duration{time.Hour, 40 * 24 * time.Hour, 50 * 365 * 24 * time.Hour} {
		wrong := l.judges(start.Add(by).UnixMilli()) // the clock was put forward, and now back
		l.putBack(start, wrong)
		now := l.judges(start.UnixMilli())
		if now < wrong || now-wrong > week.Milliseconds() {
			t.Errorf("after %v the judge's time is %v ahead of what it was", by, time.Duration(now-wrong)*time.Millisecond)
		}
		if (now-before)%week.Milliseconds() != 0 {
			t.Errorf("after %v the hour of the week is another", by)
		}
		if got := l.real(now + 5000); !got.Equal(start.Add(5 * time.Second)) {
			t.Errorf("after %v, 5 s later is told as %v", by, got)
		}
		if got := l.real(before); !got.Equal(start) {
			t.Errorf("after %v, what was before is told as %v", by, got)
		}
	}
	for range 2 * maxShifts {
		l.putBack(start, l.judges(start.Add(time.Hour).UnixMilli()))
	}
	if len(l.Shifts) > maxShifts {
		t.Errorf("%d shifts are remembered", len(l.Shifts))
	}
}

// With a lapse, everything is nearer.
func TestLapse(t *testing.T) {
	l := timeline{lapse: 30}
	at := time.UnixMilli(1_700_000_000_000)
	if d := l.judges(at.Add(2*time.Second).UnixMilli()) - l.judges(at.UnixMilli()); d != time.Minute.Milliseconds() {
		t.Errorf("two seconds are %d ms of the judge's", d)
	}
	if got := l.real(l.judges(at.UnixMilli())); !got.Equal(at) {
		t.Errorf("%v becomes %v", at, got)
	}
}
