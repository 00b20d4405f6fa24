package judgement

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// When two collectors fail in one incident, both are named, and not a third one with a failure or
// two.
func TestTwoCollectors(t *testing.T) {
	j := newJudge(t, Options{})
	m := numbers{byTarget: map[populationKey]float64{}}
	app := j.names.add(kindApp, model.DeliveryApp)
	for name, failed := range map[string]float64{"c2": 200, "c1": 400, "c3": 2} {
		m.byTarget[populationKey{app: app, target: j.names.add(kindTarget, model.CollectorTarget+name)}] = failed
	}
	turn := turn{j: j}
	if got := turn.collectors(&m, model.CollectorTarget+"c1"); !slices.Equal(got, []string{"c1", "c2"}) {
		t.Error(got)
	}
}

// Deliveries that fail to two collectors in the same minutes are one incident, which names both.
func TestDeliveriesToTwoCollectors(t *testing.T) {
	t.Parallel()
	w, j := newWorld(13), newJudge(t, Options{})
	start := int64(0)
	w.extra = func(second int64) (rows []Row) {
		for k := range 6 {
			o, to := report.OK, fmt.Sprint("c", 1+k%3)
			if since := second*1000 - start; start > 0 && (to == "c1" || to == "c2" && since > 60_000) {
				o = report.TCPRefused
			}
			at := second*1000 - 500
			rows = append(rows, Row{At: at, Arrived: second * 1000, App: model.DeliveryApp, Version: "1.4.0", OS: "linux", Target: model.CollectorTarget + to,
				Outcome: o, Source: report.SourceAgent, ASN: w.networks[w.rng.IntN(200)].asn, Country: "AA", Collector: "c3", Bucket: report.Bucket(w.rng.IntN(4096)),
				Client: w.rng.Uint64(), Raw: 1, Estimated: 1})
		}
		return rows
	}
	start = learn(t, w, j, 35*time.Minute)
	events := w.run(j, 6*time.Minute)
	showOnFailure(t, start, &events)
	if len(ids(events)) != 1 {
		t.Fatalf("%d incidents", len(ids(events)))
	}
	if e := events[len(events)-1]; e.Verdict != model.CollectorPath || !slices.Equal(e.Scope[0].Collector, []string{"c1", "c2"}) {
		t.Errorf("%s %+v", e.Verdict, e.Scope[0])
	}
}
