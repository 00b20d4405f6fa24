package alerts_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/model"
)

func TestQuietCovers(t *testing.T) {
	for _, test := range []struct {
		span, at string
		want     bool
	}{
		{"22:00-07:00", "21:59", false},
		{"22:00-07:00", "22:00", true},
		{"22:00-07:00", "00:00", true},
		{"22:00-07:00", "07:00", false},
		{"12:00-13:30", "13:29", true},
		{"12:00-13:30", "11:59", false},
		{"22:00-07:00 Asia/Kolkata", "17:00", true}, // 22:30 there
		{"22:00-07:00 Asia/Kolkata", "02:00", false},
	} {
		q, err := alerts.ParseQuiet(test.span)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse("15:04", test.at)
		if err != nil {
			t.Fatal(err)
		}
		if q.Covers(at) != test.want {
			t.Errorf("%s at %s: %v", test.span, test.at, !test.want)
		}
	}
	for _, text := range []string{"", "22-7", "22:00-25:00", "22:00-22:00", "22:00-07:00 Mars", "22:00-07:00 Local", "-"} {
		if _, err := alerts.ParseQuiet(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// Hours are those of the clock on the wall, also on the days on which it is changed.
func TestQuietOverTheChangeOfTheClock(t *testing.T) {
	q, err := alerts.ParseQuiet("22:00-07:00 Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]bool{
		"2026-03-28T20:59:00Z": false, "2026-03-28T21:00:00Z": true, "2026-03-29T01:30:00Z": true, "2026-03-29T04:59:00Z": true, "2026-03-29T05:00:00Z": false, // an hour less
		"2026-10-24T19:59:00Z": false, "2026-10-24T20:00:00Z": true, "2026-10-25T00:30:00Z": true, "2026-10-25T05:59:00Z": true, "2026-10-25T06:00:00Z": false, // an hour more
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if q.Covers(moment) != want {
			t.Errorf("%s: %v", at, !want)
		}
	}
}

// In quiet hours only what is critical is told, and the rest afterwards if it goes on. The clock of
// the test begins at midnight.
func TestQuietHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := alerts.ParseQuiet("22:00-07:00")
		if err != nil {
			t.Fatal(err)
		}
		m, p := new(memory), new(people)
		run(t, alerts.Options{Store: m, Settings: to(p, func(s *alerts.Settings) { s.Receivers[0].Quiet = q })})
		thin, short, down := incident(1, "thin"), incident(2, "short"), incident(3, "down")
		thin.Verdict, short.Verdict = model.TooThin, model.TooThin
		for _, i := range []model.Incident{thin, short, down} {
			m.add(model.Opened, i)
		}
		pass(time.Hour)
		want(t, p, "down")
		m.add(model.Cleared, over(short))
		m.add(model.Cleared, over(down))
		pass(time.Minute)
		want(t, p, "Over: down")
		pass(6 * time.Hour)
		want(t, p, "thin")
	})
}
