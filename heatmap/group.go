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

// place is the location of a server: the numbers of its groups by level, counted in the order in
// which they first occur.
type place [levels]int32

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p[0], q[0]), cmp.Compare(p[1], q[1]), cmp.Compare(p[2], q[2]), cmp.Compare(p[3], q[3]))
}

// run is a number of servers of the same place that follow each other.
type run struct {
	place    place
	listed   int // index of its first server in the list
	first, n int // index of its first server in the topology, and their number
}

// labels returns the names of the server's groups.
func (s *Server) labels() [levels]string {
	return [levels]string{s.Region, s.DataCentre, s.Cluster, s.Row}
}

func (s *Server) besides(t *Server) bool {
	return s.Row == t.Row && s.Cluster == t.Cluster && s.DataCentre == t.DataCentre && s.Region == t.Region
}

// arrange sorts the servers so that those of every group are consecutive, and makes the groups.
// listed is the list that the servers are from.
func (t *Topology) arrange(listed []Server) {
	runs := number(listed)
	if !slices.IsSortedFunc(runs, func(a, b run) int { return a.place.compare(b.place) }) {
		t.servers, runs = inOrder(t.servers, runs)
	}
	t.group(runs, listed)
}

// inOrder returns the servers sorted by place, and their runs.
func inOrder(servers []identity, runs []run) ([]identity, []run) {
	slices.SortStableFunc(runs, func(a, b run) int { return a.place.compare(b.place) })
	sorted := make([]identity, 0, len(servers))
	for i := range runs {
		r := &runs[i]
		r.first = len(sorted)
		sorted = append(sorted, servers[r.listed:][:r.n]...)
	}
	return sorted, runs
}

// number returns the runs of a list.
func number(servers []Server) (runs []run) {
	type key struct {
		parent int32 // number of the group one level up
		name   string
	}
	var known [levels]map[key]int32
	for level := range known {
		known[level] = map[key]int32{}
	}
	for i := range servers {
		if i > 0 && servers[i].besides(&servers[i-1]) {
			runs[len(runs)-1].n++ // as for most servers
			continue
		}
		r := run{listed: i, first: i, n: 1}
		parent := int32(0)
		for level, name := range servers[i].labels() {
			n, ok := known[level][key{parent, name}]
			if !ok {
				n = int32(len(known[level]))
				known[level][key{parent, name}] = n
			}
			parent, r.place[level] = n, n
		}
		runs = append(runs, r)
	}
	return runs
}

// group divides the servers, whose runs must be sorted by place, into groups.
func (t *Topology) group(runs []run, listed []Server) {
	// of all servers, which are the group with the id 0
	t.paths, t.labels = []path{{}}, []string{""}
	t.rowOf = make([]int32, len(t.servers))
	var around [levels]*Group
	begin := func(level int, r run) {
		siblings, ids := &t.regions, path{}
		if level > 0 {
			siblings, ids = &around[level-1].Children, t.paths[around[level-1].id]
		}
		ids[level] = int32(len(t.paths))
		name := listed[r.listed].labels()[level]
		*siblings = append(*siblings, Group{Name: name, First: r.first, id: ids[level]})
		t.paths, t.labels = append(t.paths, ids), append(t.labels, name)
		around[level] = &(*siblings)[len(*siblings)-1]
	}
	for i, r := range runs {
		level := levels
		switch {
		case i == 0:
			level = 0
		case r.place != runs[i-1].place:
			for level = 0; r.place[level] == runs[i-1].place[level]; {
				level++
			}
		}
		for ; level < levels; level++ {
			begin(level, r)
		}
		for _, g := range around {
			g.Len += r.n
		}
		row := t.rowOf[r.first:][:r.n]
		for i := range row {
			row[i] = around[levels-1].id
		}
	}
	for _, r := range t.regions {
		t.centres = append(t.centres, r.Children...)
	}
}
