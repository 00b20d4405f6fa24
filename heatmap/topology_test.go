package heatmap

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// fleet returns the servers of a regular topology, in order.
func fleet(centres, clusters, rows, servers int) []Server {
	var all []Server
	for d := range centres {
		for c := range clusters {
			for r := range rows {
				for range servers {
					i := len(all)
					all = append(all, Server{
						Name:       fmt.Sprintf("s%d", i),
						Address:    fmt.Sprintf("10.%d.%d.%d:443", i>>16, i>>8&255, i&255),
						DataCentre: fmt.Sprintf("dc%d", d),
						Cluster:    fmt.Sprintf("web-%02d", c),
						Row:        fmt.Sprintf("r%d", r),
					})
				}
			}
		}
	}
	return all
}

func mustTopology(t testing.TB, servers []Server) *Topology {
	t.Helper()
	topology, err := NewTopology(servers)
	if err != nil {
		t.Fatal(err)
	}
	return topology
}

func TestTopologyKeepsAnOrderedList(t *testing.T) {
	servers := fleet(2, 3, 2, 4)
	topology := mustTopology(t, servers)
	for i, want := range servers {
		if got := topology.Server(i); got != want {
			t.Fatalf("server %d is %v, want %v", i, got, want)
		}
	}
	checkTree(t, topology)
}

func TestTopologyGathersScatteredGroups(t *testing.T) {
	topology := mustTopology(t, []Server{
		{Name: "a", DataCentre: "x", Cluster: "1", Row: "r"},
		{Name: "b", DataCentre: "y", Cluster: "1", Row: "r"},
		{Name: "c", DataCentre: "x", Cluster: "2", Row: "r"},
		{Name: "d", DataCentre: "x", Cluster: "1", Row: "q"},
		{Name: "e", DataCentre: "y", Cluster: "1", Row: "r"},
		{Name: "f", DataCentre: "x", Cluster: "1", Row: "r"},
	})
	var names []string
	for i := range topology.Len() {
		names = append(names, topology.Server(i).Name)
	}
	if got := strings.Join(names, ""); got != "afdcbe" {
		t.Errorf("order is %s, want afdcbe: groups by first mention, then the list's order", got)
	}
	for i, name := range names {
		if got, ok := topology.ByName(name); !ok || got != i {
			t.Errorf("ByName(%s) = %d, %v; want %d", name, got, ok, i)
		}
	}
	checkTree(t, topology)
}

// checkTree checks that the groups are as documented.
func checkTree(t *testing.T, topology *Topology) {
	t.Helper()
	var walk func(groups []Group, first, n int, label func(Server) string, deeper ...func(Server) string)
	walk = func(groups []Group, first, n int, label func(Server) string, deeper ...func(Server) string) {
		next := first
		for _, g := range groups {
			if g.First != next || g.Len <= 0 {
				t.Fatalf("group %q begins at %d with %d servers, want it to begin at %d", g.Name, g.First, g.Len, next)
			}
			for i := g.First; i < g.First+g.Len; i++ {
				if label(topology.Server(i)) != g.Name {
					t.Fatalf("server %d does not belong to group %q", i, g.Name)
				}
			}
			if len(deeper) > 0 {
				walk(g.Children, g.First, g.Len, deeper[0], deeper[1:]...)
			}
			next += g.Len
		}
		if next != first+n {
			t.Fatalf("groups end at %d, want %d", next, first+n)
		}
	}
	walk(topology.DataCentres(), 0, topology.Len(),
		func(s Server) string { return s.DataCentre }, func(s Server) string { return s.Cluster }, func(s Server) string { return s.Row })
}

func TestByAddressKnowsEverySpelling(t *testing.T) {
	topology := mustTopology(t, []Server{
		{Name: "four", Address: "192.0.2.1:443"},
		{Name: "six", Address: "[2001:DB8:0::1]:443"},
		{Name: "host", Address: "Shop.Example:080"},
		{Name: "mapped", Address: "[::ffff:192.0.2.1]:443"},
		{Name: "none"},
	})
	for address, want := range map[string][]int{
		"192.0.2.1:443":          {0, 3},
		"[::ffff:192.0.2.1]:443": {0, 3},
		"[2001:db8::1]:443":      {1},
		"shop.example:80":        {2},
		"192.0.2.1:444":          nil,
		"192.0.2.1":              nil,
		"":                       nil,
	} {
		if got := topology.ByAddress(address); !slices.Equal(got, want) {
			t.Errorf("ByAddress(%q) = %v, want %v", address, got, want)
		}
	}
	if _, ok := topology.ByName("nobody"); ok {
		t.Error("found a server that is not there")
	}
	if topology.Server(-1) != (Server{}) || topology.Server(5) != (Server{}) {
		t.Error("a server outside is not the zero one")
	}
}

func TestTopologyNamesTheFault(t *testing.T) {
	for _, c := range []struct {
		name   string
		server Server
		want   string
	}{
		{"no name", Server{}, "has no name"},
		{"same name", Server{Name: "first"}, `named "first"`},
		{"long", Server{Name: strings.Repeat("n", MaxLabel+1)}, "name: longer than 256"},
		{"escape sequence", Server{Name: "a", Row: "\x1b[2J"}, "row: has a character"},
		{"bidirectional override", Server{Name: "a", Cluster: "a\u202eb"}, "cluster: has a character"},
		{"not UTF-8", Server{Name: "a", DataCentre: "\xff"}, "data centre: not valid UTF-8"},
		{"no port", Server{Name: "a", Address: "192.0.2.1"}, "address: "},
		{"port 0", Server{Name: "a", Address: "192.0.2.1:0"}, "port 0"},
		{"port too high", Server{Name: "a", Address: "host:65536"}, "no port"},
		{"no host", Server{Name: "a", Address: ":443"}, "not host:port"},
		{"a URL", Server{Name: "a", Address: "http://a:1"}, "not host:port"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewTopology([]Server{{Name: "first"}, c.server})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestTopologyLimits(t *testing.T) {
	if _, err := NewTopology(make([]Server, MaxServers+1)); !errors.Is(err, ErrLength) {
		t.Errorf("too many servers: %v", err)
	}
	_, err := NewTopology(make([]Server, 1000))
	if got := strings.Count(err.Error(), "has no name"); got != maxFaults {
		t.Errorf("%d faults told, want %d", got, maxFaults)
	}
	if empty := mustTopology(t, nil); empty.Len() != 0 || len(empty.DataCentres()) != 0 {
		t.Error("an empty topology is not empty")
	}
}

// A large list is checked in parts, and its faults are told in order all the same.
func TestFaultsOfALargeListAreInOrder(t *testing.T) {
	servers := fleet(3, 10, 10, 100)
	for i := 29_990; i > 0; i -= 2_000 {
		servers[i].Row = "\x00"
	}
	_, err := NewTopology(servers)
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	for i := range lines {
		if want := fmt.Sprintf("server %d ", 1_990+2_000*i); !strings.HasPrefix(lines[i], want) {
			t.Errorf("fault %d is %q, want one of %s", i, lines[i], want)
		}
	}
	if len(lines) != maxFaults {
		t.Errorf("%d faults told, want %d", len(lines), maxFaults)
	}
}

// Any order of a list gives groups in the order of their first mention, and in a row the list's
// order.
func TestTopologyOfAShuffledList(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 20 {
		servers := irregular(r)
		r.Shuffle(len(servers), func(i, j int) { servers[i], servers[j] = servers[j], servers[i] })
		topology := mustTopology(t, servers)
		checkTree(t, topology)
		seen := map[string]int{} // by path of a group: its place in the order of first mention
		key := func(s Server, levels int) string {
			return strings.Join([]string{s.Region, s.DataCentre, s.Cluster, s.Row}[:levels], "\x00")
		}
		for _, s := range servers {
			for level := range levels {
				if k := key(s, level+1); seen[k] == 0 {
					seen[k] = len(seen) + 1
				}
			}
		}
		listed := map[string]int{}
		for i, s := range servers {
			listed[s.Name] = i
		}
		want := slices.Clone(servers)
		slices.SortStableFunc(want, func(a, b Server) int {
			for level := range levels {
				if c := cmp.Compare(seen[key(a, level+1)], seen[key(b, level+1)]); c != 0 {
					return c
				}
			}
			return cmp.Compare(listed[a.Name], listed[b.Name])
		})
		for i := range want {
			if topology.Server(i) != want[i] {
				t.Fatalf("server %d is %+v, want %+v", i, topology.Server(i), want[i])
			}
		}
	}
}

func BenchmarkNewTopologyMillion(b *testing.B) {
	servers := fleet(10, 20, 50, 100)
	for b.Loop() {
		if _, err := NewTopology(servers); err != nil {
			b.Fatal(err)
		}
	}
}
