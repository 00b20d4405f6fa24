package judgement

import (
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
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

// Browsers that report at once are no crowd beside agents that report a minute later.
func TestReportsThatComeSoonerAreNoCrowd(t *testing.T) {
	t.Parallel()
	w := small(31)
	j := newJudge(t, Options{})
	w.offline = func(v *visit, _ int64) int64 { return int64(v.client % 60_000) }
	k := 0
	w.extra = func(second int64) (rows []Row) {
		if second%20 > 0 {
			return nil
		}
		for c := range 20 {
			k++
			rows = append(rows, Row{At: second * 1000, Arrived: second*1000 + 300, App: "shop", Version: "1.4.0", Target: "https://shop0.example", Outcome: report.OK,
				Protocol: "h2", Status: 200, Server: serverName(c % 5), Source: report.SourceBrowser, ASN: w.networks[k%len(w.networks)].asn, Country: "AA", Collector: "c1",
				Bucket: report.Bucket(k%4000 + 1), Client: uint64(k), Raw: 1, Estimated: 10})
		}
		return rows
	}
	w.run(j, 40*time.Minute)
	found := false
	for _, p := range j.order {
		if p.key.source != report.SourceBrowser {
			continue
		}
		found = true
		for bin, surge := range p.surges[:12] {
			if surge > 1.2 {
				t.Errorf("%d bins ago browsers had %.2f times as many requests as usual", bin, surge)
			}
		}
	}
	if !found {
		t.Error("there are no browsers")
	}
}
