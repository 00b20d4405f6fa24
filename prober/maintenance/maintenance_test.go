package maintenance

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func compiled(t *testing.T, w Window) *Window {
	t.Helper()
	if err := w.Compile(); err != nil {
		t.Fatal(err)
	}
	return &w
}

func TestPatterns(t *testing.T) {
	east := Place{Name: "db-1/a", Region: "north", DataCentre: "east", Cluster: "db", Row: "r.1"}
	for _, c := range []struct {
		targets Place
		want    bool
	}{
		{Place{Name: "*"}, true},
		{Place{Name: "db-*"}, true},
		{Place{Name: "db-?/a"}, true},
		{Place{Name: "db-"}, false},
		{Place{Name: "b-1"}, false},
		{Place{Row: "r.?"}, true},
		{Place{Row: "r.."}, false},
		{Place{Region: "north", DataCentre: "e*"}, true},
		{Place{Region: "south", DataCentre: "e*"}, false},
		{Place{Cluster: "DB"}, false},
	} {
		w := compiled(t, Window{Targets: c.targets, Start: time.Unix(0, 0), Duration: time.Hour})
		if got := w.Covers(east); got != c.want {
			t.Errorf("%+v: %v", c.targets, got)
		}
	}
}

func TestOnce(t *testing.T) {
	start := time.Date(2026, 12, 1, 22, 0, 0, 0, time.UTC)
	w := compiled(t, Window{Targets: Place{Name: "*"}, Start: start, Duration: 2 * time.Hour})
	for after, want := range map[time.Duration]bool{-1: false, 0: true, time.Hour: true, 2*time.Hour - 1: true, 2 * time.Hour: false, 7 * 24 * time.Hour: false} {
		if got := w.Open(start.Add(after)); got != want {
			t.Errorf("%v after the start: %v", after, got)
		}
	}
}

// The times are those of Berlin, whose clocks go from 2:00 to 3:00 on 29 March 2026.
func TestWeekly(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	night := compiled(t, Window{Targets: Place{Name: "*"}, Weekdays: []time.Weekday{time.Saturday, time.Sunday}, At: 23 * time.Hour, Duration: 4 * time.Hour, Zone: berlin})
	early := compiled(t, Window{Targets: Place{Name: "*"}, Weekdays: []time.Weekday{time.Sunday}, At: 2*time.Hour + 30*time.Minute, Duration: time.Hour, Zone: berlin})
	long := compiled(t, Window{Targets: Place{Name: "*"}, Weekdays: []time.Weekday{time.Monday}, At: time.Hour, Duration: MaxDuration})
	for _, c := range []struct {
		w    *Window
		at   string
		want bool
	}{
		{night, "2026-11-28T22:59:59+01:00", false}, // Saturday
		{night, "2026-11-28T23:00:00+01:00", true},
		{night, "2026-11-29T02:59:59+01:00", true},
		{night, "2026-11-29T03:00:00+01:00", false},
		{night, "2026-11-30T01:00:00+01:00", true}, // Monday, from Sunday
		{night, "2026-12-01T01:00:00+01:00", false},
		{night, "2026-07-04T23:00:00+02:00", true}, // by the clock of the place
		{early, "2026-11-29T02:30:00+01:00", true},
		{early, "2026-03-29T03:30:00+02:00", true}, // 2:30 does not exist on this day
		{early, "2026-03-29T03:29:00+02:00", false},
		{long, "2026-11-30T00:59:00Z", true},
		{long, "2026-11-30T01:00:00Z", true},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.w.Open(at); got != c.want {
			t.Errorf("%s: %v", c.at, got)
		}
	}
}

func TestFaultsAreNamed(t *testing.T) {
	start := time.Unix(1e9, 0)
	for want, w := range map[string]Window{
		"targets: missing":   {Start: start, Duration: time.Hour},
		"duration: must":     {Targets: Place{Name: "*"}, Start: start},
		"start: missing":     {Targets: Place{Name: "*"}, Duration: time.Hour},
		"start: give either": {Targets: Place{Name: "*"}, Duration: time.Hour, Start: start, Weekdays: []time.Weekday{0}},
		"duration: at most":  {Targets: Place{Name: "*"}, Duration: MaxDuration + 1, Weekdays: []time.Weekday{0}},
		"at: want":           {Targets: Place{Name: "*"}, Duration: time.Hour, Weekdays: []time.Weekday{0}, At: 24 * time.Hour},
	} {
		if err := w.Compile(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
