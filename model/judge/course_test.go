package judge

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// points makes minutes of 100 requests that end now, of which so many fail. A negative number is a
// minute without requests.
func points(failed ...float64) (all []model.CurvePoint) {
	for i, n := range failed {
		if n >= 0 {
			all = append(all, model.CurvePoint{At: minuteAgo(len(failed) - i), OK: 100 - n, Failed: n})
		}
	}
	return all
}

func minuteAgo(n int) time.Time { return now.Add(-time.Duration(n) * time.Minute) }

func TestCourse(t *testing.T) {
	const onset = 6 // minutes ago
	for name, c := range map[string]struct {
		failed []float64
		trend  Trend
		since  int // minutes ago; 0 for none
	}{
		"just begun":             {[]float64{1, 1, 90}, TooEarly, 0},
		"nothing heard":          {[]float64{1, 1, 1, 1, -1, -1, -1, -1, -1, -1}, TooEarly, 0},
		"as bad as before":       {[]float64{1, 1, 90, 92, 89, 91, 90, 90}, Steady, 0},
		"worse and worse":        {[]float64{1, 1, 10, 20, 35, 50, 70, 90}, Worse, 0},
		"half of the worst":      {[]float64{1, 1, 90, 90, 90, 40, 30, 20}, Recovering, 2},
		"hardly anything":        {[]float64{1, 1, 90, 90, 90, 2, 1, 1}, Recovered, 2},
		"back again":             {[]float64{1, 1, 90, 2, 1, 1, 88, 92}, Worse, 0},
		"a pause in the reports": {[]float64{1, 1, 90, 90, -1, -1, 2, 1}, Recovered, 1},
	} {
		at := minuteAgo(onset)
		if name == "just begun" {
			at = minuteAgo(1)
		}
		got := CourseOf(points(c.failed...), time.Minute, at, now, 0.01)
		var since time.Time
		if c.since > 0 {
			since = minuteAgo(c.since)
		}
		if got.Trend != c.trend || !got.Since.Equal(since) {
			t.Errorf("%s: %s since %v, want %s since %v", name, got.Trend, got.Since, c.trend, since)
		}
	}
}

// The step that has not ended is left out: what fails is told sooner than what succeeds.
func TestCourseLeavesOutWhatHasNotEnded(t *testing.T) {
	all := append(points(1, 1, 90, 90, 90, 40, 30, 20), model.CurvePoint{At: now, Failed: 50})
	got := CourseOf(all, time.Minute, minuteAgo(6), now.Add(10*time.Second), 0.01)
	if got.Trend != Recovering || got.Ratio != 0.25 || got.Worst != 0.9 {
		t.Errorf("%+v, want it recovering at 0.25 after 0.9", got)
	}
}

func TestOnset(t *testing.T) {
	for name, c := range map[string]struct {
		failed []float64
		want   int
	}{
		"nothing fails":     {[]float64{1, 1, 1}, 0},
		"it has failed":     {[]float64{90, 90, 1}, 0},
		"it fails":          {[]float64{1, 90, 1, 90, 90}, 2},
		"with a pause":      {[]float64{1, 90, -1, 90}, 3},
		"from the first on": {[]float64{50, 90}, 2},
	} {
		var want time.Time
		if c.want > 0 {
			want = minuteAgo(c.want)
		}
		if got := OnsetOf(points(c.failed...)); !got.Equal(want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
