package judgement

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

func TestStrangers(t *testing.T) {
	j, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	born := int64(1_000_000)
	p := j.newPopulation(populationKey{}, nil, born)
	later := born + j.bins(time.Hour)
	p.exposure(byServer, 1, born+1)
	p.exposure(byServer, 2, later)
	for _, c := range []struct {
		name   string
		bin    int64
		server uint32
		want   bool
	}{
		{"known from the start", later, 1, false},
		{"new", later + 1, 2, true},
		{"no longer new", later + j.bins(strangeFor), 2, false},
		{"never asked", later, 3, true},
		{"none", later, 0, false},
		{"all are new", born + 1, 3, false},
	} {
		if got := (&turn{j: j, bin: c.bin}).strange(p.index, c.server); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// Whoever answers well at an address that nobody asked before, for one country only, is told as a
// hijack of its names. A new server of the operator's is not.
func TestRequestsThatSucceedElsewhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		server string
		hit    func(w *world, q *request) bool
		told   bool
	}{
		{"somebody else's, for one country", "203.0.113.66:443", func(w *world, q *request) bool { return q.country == w.nearCountry(0.1) }, true},
		{"a new server for everyone", "203.0.113.66:443", func(w *world, q *request) bool { return w.rng.IntN(4) == 0 }, false},
		{"one that a prober watches", "203.0.113.67:443", func(w *world, q *request) bool { return q.country == w.nearCountry(0.1) }, false},
		{"a new neighbour, for one country", "192.0.2.200:443", func(w *world, q *request) bool { return q.country == w.nearCountry(0.1) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := small(21)
			w.rate = 100
			j := newJudge(t, Options{})
			start := learn(t, w, j, 22*time.Minute)
			j.AddProbe(Probe{At: start, Vantage: "v1", Server: "203.0.113.67:443", Outcome: report.OK})
			w.fault = func(at int64, q *request) {
				if q.outcome == report.OK && c.hit(w, q) {
					q.server = c.server
				}
			}
			events := w.run(j, 8*time.Minute)
			showOnFailure(t, start, &events)
			if !c.told {
				if len(events) > 0 {
					t.Error("told")
				}
				return
			}
			if len(ids(events)) != 1 || pages(events) == 0 {
				t.Fatalf("%d incidents, %d pages", len(ids(events)), pages(events))
			}
			e := events[len(events)-1]
			if e.Verdict != model.DNS || !slices.Equal(e.Scope[0].Country, []string{w.nearCountry(0.1)}) || e.Outcomes[0] != report.DNSAddressChanged {
				t.Errorf("%v %+v %v", e.Verdict, e.Scope[0], e.Outcomes)
			}
			if want := "succeeded at servers that nobody asked before"; !slices.ContainsFunc(e.Evidence, func(s Evidence) bool { return strings.Contains(s.Text, want) }) {
				t.Errorf("no word of it: %+v", e.Evidence)
			}
		})
	}
}
