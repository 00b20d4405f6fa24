package judgement

import (
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// Parts of a fault join its incident: those that began with it and fail in the same way, at other
// values and of other targets, and even when they stand out only much later. Others do not.
func TestSame(t *testing.T) {
	j := newJudge(t, Options{})
	for target := range uint32(2) {
		j.newPopulation(populationKey{1, target + 1, report.SourceAgent}, nil, 0)
	}
	i := &incident{flows: map[flow]bool{{0, 7}: true}, scopes: []cuboid{{byASN: {10, 11}}}, firstBin: 1000, from: 1000}
	for name, c := range map[string]struct {
		bin  int64
		c    cause
		want bool
	}{
		"another network":                 {1010, cause{flows: i.flows, scopes: []cuboid{{byASN: {12}}}, window: 6, began: 1005}, true},
		"another network over h2":         {1010, cause{flows: i.flows, scopes: []cuboid{{byASN: {12}, byProtocol: {1}}}, window: 6, began: 1001}, true},
		"late, but began together":        {1060, cause{flows: i.flows, scopes: []cuboid{{byASN: {12}}}, window: 12, began: 1002}, true},
		"late, and began later":           {1100, cause{flows: i.flows, scopes: []cuboid{{byASN: {12}}}, window: 12, began: 1090}, false},
		"everyone at another target":      {1004, cause{flows: map[flow]bool{{1, 7}: true}, scopes: []cuboid{{}}, window: 3, began: 1001}, true},
		"everyone there, otherwise":       {1004, cause{flows: map[flow]bool{{1, 8}: true}, scopes: []cuboid{{}}, window: 3, began: 1001}, false},
		"a server, where networks fail":   {1010, cause{flows: i.flows, scopes: []cuboid{{byServer: {3}}}, window: 6, began: 1060}, true},
		"a version, at the other, later":  {1040, cause{flows: map[flow]bool{{1, 7}: true}, scopes: []cuboid{{byVersion: {3}}}, window: 6, began: 1030}, false},
		"a part of the networks, however": {2000, cause{flows: map[flow]bool{{1, 9}: true}, scopes: []cuboid{{byASN: {10}}}, window: 6, began: 1990}, true},
	} {
		turn := turn{j: j, bin: c.bin}
		if got := turn.same(i, &c.c); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What an attribute of a scope left out, and what is hit later all the same, belongs to
// its incident.
func TestSameBesides(t *testing.T) {
	j := newJudge(t, Options{})
	j.newPopulation(populationKey{1, 1, report.SourceAgent}, nil, 0)
	flows := map[flow]bool{{0, 7}: true}
	i := &incident{flows: flows, scopes: []cuboid{{byServer: {3}, byOS: {1, 2}}}, firstBin: 1000, from: 1000}
	turn := turn{j: j, bin: 1120}
	for name, c := range map[string]struct {
		scope cuboid
		want  bool
	}{
		"the other systems at that server": {cuboid{byServer: {3}, byOS: {4}}, true},
		"the other systems elsewhere":      {cuboid{byServer: {5}, byOS: {4}}, false},
		"another protocol":                 {cuboid{byServer: {5}, byProtocol: {1}}, false},
	} {
		if got := turn.same(i, &cause{flows: flows, scopes: []cuboid{c.scope}, window: 12, began: 1110}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What began with a fault, fails in the same way and names another attribute is another fault once
// the scope of the first is known and does not explain it; before, and where it names the same
// attribute or several, it is a part of it.
func TestSameDistinct(t *testing.T) {
	j := newJudge(t, Options{})
	j.newPopulation(populationKey{1, 1, report.SourceAgent}, nil, 0)
	flows := map[flow]bool{{0, 7}: true}
	for name, c := range map[string]struct {
		kept  int
		told  ID
		bin   int64
		scope cuboid
		want  bool
	}{
		"a network, later":               {3, 1, 1012, cuboid{byASN: {10}}, false},
		"a network, soon":                {3, 1, 1011, cuboid{byASN: {10}}, true},
		"while the scope changes":        {2, 1, 1012, cuboid{byASN: {10}}, true},
		"before anything was told":       {3, 0, 1012, cuboid{byASN: {10}}, true},
		"another server":                 {3, 1, 1012, cuboid{byServer: {4}}, true},
		"a network over h3":              {3, 1, 1012, cuboid{byASN: {10}, byProtocol: {1}}, true},
		"everyone":                       {3, 1, 1012, cuboid{}, true},
		"a network at the same server":   {3, 1, 1012, cuboid{byASN: {10}, byServer: {3}}, true},
		"another system, a bin too soon": {9, 1, 1011, cuboid{byOS: {1}}, true},
	} {
		i := &incident{flows: flows, scopes: []cuboid{{byServer: {3}}}, firstBin: 1000, from: 1000, kept: c.kept}
		i.told.ID = c.told
		turn := turn{j: j, bin: c.bin}
		if got := turn.same(i, &cause{flows: flows, scopes: []cuboid{c.scope}, window: 6, began: 1001}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
