package judgement

import (
	"testing"
	"time"
)

// Each fault of the table is told as one incident, soon, with its scope and its verdict.
func TestScenarios(t *testing.T) {
	for k := range scenarios {
		s := scenarios[k]
		within, ok := map[string]time.Duration{
			"network of 1 % dark": 100 * time.Second, "network of 10 % dark": time.Minute, "a server dead": 40 * time.Second, "DNS in a country": time.Minute,
			"release": time.Minute, "a server from a country": 2 * time.Minute, "everyone": 40 * time.Second,
		}[s.name]
		if !ok {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.lasts = 4 * time.Minute
			w, start, before, events := s.play(t, 1, 40*time.Minute)
			t.Cleanup(func() {
				if t.Failed() {
					show(t, start, before)
					show(t, start, events)
				}
			})
			if len(before) > 0 || len(events) < 2 {
				t.Fatalf("%d events of calm, %d of the fault", len(before), len(events))
			}
			first, last, want := events[0], events[len(events)-1], s.scope(w)
			if !first.Page || first.Kind != Opened || first.Judged > start+within.Milliseconds() {
				t.Errorf("not told to anyone within %v", within)
			}
			if !first.Scope[0].equal(&want) || first.Verdict != s.verdict {
				t.Errorf("%v %+v, want %v %+v", first.Verdict, first.Scope[0], s.verdict, want)
			}
			if last.Kind != Cleared || last.Until < start+s.lasts.Milliseconds()-30_000 || last.Until > start+s.lasts.Milliseconds()+60_000 {
				t.Errorf("not cleared when the fault was over")
			}
			for _, e := range events {
				if e.ID != first.ID || e.Kind == Opened && e.Judged != first.Judged {
					t.Errorf("more than one incident")
				}
			}
		})
	}
}
