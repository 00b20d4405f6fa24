package heatmap

import (
	"cmp"
	"slices"
)

// place is the location of a server: the numbers of its data centre, cluster and row, counted in
// the order in which they first occur.
type place struct{ centre, cluster, row int32 }

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.centre, q.centre), cmp.Compare(p.cluster, q.cluster), cmp.Compare(p.row, q.row))
}

// arrange sorts servers in place, so that the servers of every group are consecutive, and returns
// the groups.
func arrange(servers []Server) []Group {
	type placed struct {
		place
		server Server
	}
	places := number(servers)
	byPlace := func(p, q place) int { return p.compare(q) }
	if !slices.IsSortedFunc(places, byPlace) {
		all := make([]placed, len(servers))
		for i, s := range servers {
			all[i] = placed{places[i], s}
		}
		slices.SortStableFunc(all, func(p, q placed) int { return p.compare(q.place) })
		for i, p := range all {
			places[i], servers[i] = p.place, p.server
		}
	}
	return tree(servers, places)
}

// number returns the place of each server.
func number(servers []Server) []place {
	type key struct {
		parent int32 // number of the group one level up
		name   string
	}
	centres, clusters, rows := map[key]int32{}, map[key]int32{}, map[key]int32{}
	numberOf := func(known map[key]int32, parent int32, name string) int32 {
		k := key{parent, name}
		n, ok := known[k]
		if !ok {
			n = int32(len(known))
			known[k] = n
		}
		return n
	}
	places := make([]place, len(servers))
	for i := range servers {
		s, p := &servers[i], &places[i]
		p.centre = numberOf(centres, 0, s.DataCentre)
		p.cluster = numberOf(clusters, p.centre, s.Cluster)
		p.row = numberOf(rows, p.cluster, s.Row)
	}
	return places
}

// tree divides servers, which must be sorted by place, into groups.
func tree(servers []Server, places []place) []Group {
	var centres []Group
	for i := range servers {
		s, p := &servers[i], places[i]
		var before place
		if i == 0 {
			before = place{-1, -1, -1}
		} else {
			before = places[i-1]
		}
		if p.centre != before.centre {
			centres = append(centres, Group{Name: s.DataCentre, First: i})
		}
		centre := &centres[len(centres)-1]
		centre.Len++
		if p.cluster != before.cluster {
			centre.Children = append(centre.Children, Group{Name: s.Cluster, First: i})
		}
		cluster := &centre.Children[len(centre.Children)-1]
		cluster.Len++
		if p.row != before.row {
			cluster.Children = append(cluster.Children, Group{Name: s.Row, First: i})
		}
		cluster.Children[len(cluster.Children)-1].Len++
	}
	return centres
}
