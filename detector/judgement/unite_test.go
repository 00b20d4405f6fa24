package judgement

import (
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// Two incidents that turn out to be about the same country since the same time are one, under the
// number that was told.
func TestUnite(t *testing.T) {
	incidents := func(onset int64, told ID) *Judge {
		j := newJudge(t, Options{})
		for target := range uint32(2) {
			j.newPopulation(populationKey{1, target + 1, report.SourceAgent}, nil, 0)
		}
		j.incidents = []*incident{
			{id: 1, flows: map[flow]bool{{0, 7}: true}, scopes: []cuboid{{byCountry: {3}}}, firstBin: 1000, from: 1000, found: 1001},
			{id: 2, flows: map[flow]bool{{1, 8}: true}, scopes: []cuboid{{byCountry: {3}}}, firstBin: onset, from: onset, found: 1002},
		}
		j.incidents[told-1].told.ID = told
		return j
	}
	for _, told := range []ID{1, 2} {
		turn := turn{j: incidents(1001, told), bin: 1003}
		turn.unite()
		if all := turn.j.incidents; len(all) != 1 || all[0].id != told || len(all[0].flows) != 2 || all[0].firstBin != 1000 {
			t.Errorf("%d told: %d incidents", told, len(all))
		}
	}
	turn := turn{j: incidents(1100, 1), bin: 1103}
	turn.unite()
	if len(turn.j.incidents) != 2 {
		t.Error("united with one that began a quarter of an hour later")
	}
}

// While clients move from one collector to another, no collector is blamed for their failures.
func TestMoving(t *testing.T) {
	j := newJudge(t, Options{})
	by := source{1, 1}
	for range admitAfter {
		by.bucket++
		j.names.admit(kindApp, "heliograph", by)
	}
	app := j.names.admit(kindApp, "heliograph", by)
	j.newPopulation(populationKey{app, 1, report.SourceAgent}, nil, 0)
	j.newPopulation(populationKey{app + 1, 1, report.SourceAgent}, nil, 0)
	j.incidents = []*incident{{id: 1, flows: map[flow]bool{{1, 7}: true}, scopes: []cuboid{{}}}}
	if j.moving(100) {
		t.Error("moving where requests fail")
	}
	j.incidents[0].flows = map[flow]bool{{0, 7}: true}
	if !j.moving(100) {
		t.Error("not moving where deliveries fail")
	}
	j.incidents[0].until = 100 * j.width
	if !j.moving(150) || j.moving(250) {
		t.Error("not for a quarter of an hour after")
	}
}
