package judgement

import (
	"slices"
	"testing"

	"github.com/heliograph-net/heliograph/model"
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
