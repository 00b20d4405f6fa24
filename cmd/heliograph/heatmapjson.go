package main

import "github.com/heliograph-net/heliograph/heatmap"

// shownMap is a heat map in JSON.
type shownMap struct {
	Servers int      `json:"servers"`
	Up      int      `json:"up"`
	Unknown int      `json:"unknown"`
	Down    []string `json:"down"` // names, with where they stand
}

func newShownMap(s heatmap.Snapshot) shownMap {
	first, n := s.Span()
	m := shownMap{Servers: n, Down: []string{}}
	for i := first; i < first+n; i++ {
		switch s.State(i) {
		case heatmap.Up:
			m.Up++
		case heatmap.Down:
			m.Down = append(m.Down, nameOf(s.Topology, i))
		default:
			m.Unknown++
		}
	}
	return m
}

// shownDifference is what changed between two maps, in JSON.
type shownDifference struct {
	Failed    []string `json:"failed"`
	Recovered []string `json:"recovered"`
	StillDown int      `json:"still_down"`
	Added     int      `json:"added"` // of all groups
	Removed   int      `json:"removed"`
}

func newShownDifference(d *heatmap.Difference, after heatmap.Snapshot) shownDifference {
	first, n := after.Span()
	names := func(bits *heatmap.Bitset) []string {
		all := []string{}
		for i := range bits.All() {
			if i >= first && i < first+n {
				all = append(all, nameOf(d.Topology, i))
			}
		}
		return all
	}
	return shownDifference{names(d.Failed), names(d.Recovered), d.StillDown.CountRange(first, n), d.Added, d.Removed}
}
