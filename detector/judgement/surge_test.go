package judgement

import (
	"slices"
	"testing"
	"time"
)

// When ten times as many clients come at once, or come back after most had gone, ten times as much
// fails, and nothing is wrong. Nor is it when the crowd has gone again.
func TestCrowdsAreNoFault(t *testing.T) {
	for _, seed := range []uint64{1, 2} {
		for name, factor := range map[string]float64{"a crowd": 10, "most have gone": 0.1} {
			w := newWorld(seed)
			w.rate, w.diurnal = 40, 0
			j := newJudge(t, Options{})
			w.run(j, 25*time.Minute)
			w.rate *= factor
			start := w.second * 1000
			events := w.run(j, 15*time.Minute)
			w.rate /= factor
			events = append(events, w.run(j, 15*time.Minute)...)
			if slices.ContainsFunc(events, func(e Event) bool { return e.Page }) {
				t.Errorf("seed %d, %s: paged", seed, name)
				show(t, start, events)
			}
		}
	}
}

// A network that is cut off while a crowd is there is found as ever.
func TestFaultsInCrowds(t *testing.T) {
	w := newWorld(3)
	w.rate, w.diurnal = 40, 0
	j := newJudge(t, Options{})
	w.run(j, 25*time.Minute)
	w.rate *= 5
	w.run(j, 3*time.Minute)
	start := w.second * 1000
	w.fault = dark(0.02)(w, start)
	events := w.run(j, 2*time.Minute)
	if k := slices.IndexFunc(events, func(e Event) bool { return e.Page }); k < 0 || events[k].Judged-start > 60_000 || !events[k].Scope[0].equal(&Scope{ASN: []uint32{w.near(0.02)}}) {
		t.Error("not found within a minute")
		show(t, start, events)
	}
}
