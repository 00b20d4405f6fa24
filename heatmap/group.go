package heatmap

import (
	"cmp"
	"slices"
)

// Group is a group of servers with consecutive indices: a region, a data centre, a cluster or
// a row.
type Group struct {
	Name  string // as in its servers; may be empty
	First int    // index of its first server
	Len   int    // number of servers, above 0
	// the data centres of a region, the clusters of a data centre, or the rows of a cluster;
	// together they contain exactly the servers of the group
	Children []Group

	id int32 // number among all groups of the topology, from 1; 0 if it belongs to none
}

// levels is the number of levels of groups: regions, data centres, clusters and rows.
const levels = 4

// label returns the name of the server's group at a level, 0 for its region.
func (s *Server) label(level int) string {
	switch level {
	case 0:
		return s.Region
	case 1:
		return s.DataCentre
	case 2:
		return s.Cluster
	}
	return s.Row
}

// place is the location of a server: the numbers of its groups by level, counted in the order in
// which they first occur.
type place [levels]int32

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p[0], q[0]), cmp.Compare(p[1], q[1]), cmp.Compare(p[2], q[2]), cmp.Compare(p[3], q[3]))
}

// arrange sorts the servers so that those of every group are consecutive, and makes the groups.
func (t *Topology) arrange() {
	places := number(t.servers)
	if !slices.IsSortedFunc(places, place.compare) {
		t.servers, places = inOrder(t.servers, places)
	}
	t.group(places)
}

// inOrder returns servers and their places sorted by place.
func inOrder(servers []Server, places []place) ([]Server, []place) {
	order := make([]int32, len(servers))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(places[a].compare(places[b]), cmp.Compare(a, b)) })
	sorted, sortedPlaces := make([]Server, len(servers)), make([]place, len(servers))
	for i, from := range order {
		sorted[i], sortedPlaces[i] = servers[from], places[from]
	}
	return sorted, sortedPlaces
}

// number returns the place of each server.
func number(servers []Server) []place {
	type key struct {
		parent int32 // number of the group one level up
		name   string
	}
	var known [levels]map[key]int32
	for level := range known {
		known[level] = map[key]int32{}
	}
	places := make([]place, len(servers))
	for i := range servers {
		parent, same := int32(0), i > 0
		for level := range known {
			name := servers[i].label(level)
			if same = same && name == servers[i-1].label(level); same {
				parent = places[i-1][level] // as for most servers
			} else {
				k := key{parent, name}
				n, ok := known[level][k]
				if !ok {
					n = int32(len(known[level]))
					known[level][k] = n
				}
				parent = n
			}
			places[i][level] = parent
		}
	}
	return places
}

// group divides the servers, which must be sorted by place, into groups.
func (t *Topology) group(places []place) {
	t.parents = []int32{0} // of all servers, which are the group with the id 0
	t.rowOf = make([]int32, len(t.servers))
	var path [levels]*Group
	begin := func(level, first int) {
		siblings, parent := &t.regions, int32(0)
		if level > 0 {
			siblings, parent = &path[level-1].Children, path[level-1].id
		}
		*siblings = append(*siblings, Group{Name: t.servers[first].label(level), First: first, id: int32(len(t.parents))})
		t.parents = append(t.parents, parent)
		path[level] = &(*siblings)[len(*siblings)-1]
	}
	for i, p := range places {
		level := levels
		switch {
		case i == 0:
			level = 0
		case p != places[i-1]:
			for level = 0; p[level] == places[i-1][level]; {
				level++
			}
		}
		for ; level < levels; level++ {
			begin(level, i)
		}
		for _, g := range path {
			g.Len++
		}
		t.rowOf[i] = path[levels-1].id
	}
	for _, r := range t.regions {
		t.centres = append(t.centres, r.Children...)
	}
}
