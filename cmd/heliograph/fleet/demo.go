// Package fleet makes fleets of servers for the heat map of the command line. [Demo] invents one,
// and [ReadList] reads one from a list.
package fleet

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
)

// shape is how many children a group has, by level: servers in a row, rows in a cluster, clusters
// in a data centre, data centres in a region.
type shape struct{ servers, rows, clusters, centres int }

func shapeOf(n int) shape {
	switch {
	case n < 5_000:
		return shape{10, 5, 4, 2}
	case n < 100_000:
		return shape{20, 10, 10, 5}
	}
	return shape{50, 20, 25, 10}
}

var regionNames = [...]string{"north", "south", "east", "west", "central"}

// Demo returns a fleet of n servers with a share of them down: a whole cluster and a whole row, if
// the share is large enough, and the others at random. The result is always the same. It returns an
// error unless share is 0 to 1 and n is 1 to [heatmap.MaxServers].
func Demo(n int, share float64) (heatmap.Snapshot, error) {
	if math.IsNaN(share) || share < 0 || share > 1 {
		return heatmap.Snapshot{}, fmt.Errorf("a share of %v down: want 0 to 1", share)
	}
	if n < 1 || n > heatmap.MaxServers {
		return heatmap.Snapshot{}, fmt.Errorf("%d servers: want 1 to %d", n, heatmap.MaxServers)
	}
	topology, err := heatmap.NewTopology(demoServers(n))
	if err != nil {
		return heatmap.Snapshot{}, err
	}
	s := heatmap.Snapshot{Topology: topology, Changed: time.Date(2026, 11, 29, 18, 0, 0, 0, time.UTC)}
	if s.Up, err = heatmap.NewBitset(n); err != nil {
		return heatmap.Snapshot{}, err
	}
	for i := range n {
		s.Up.Set(i, true)
	}
	fail(s, int(math.Round(share*float64(n))))
	return s, nil
}

func demoServers(n int) []heatmap.Server {
	sh := shapeOf(n)
	servers := make([]heatmap.Server, n)
	for i := range servers {
		row := i / sh.servers
		cluster := row / sh.rows
		centre := cluster / sh.clusters
		region := centre / sh.centres
		servers[i] = heatmap.Server{
			Name:       fmt.Sprintf("s%07d", i),
			Region:     regionNames[region%len(regionNames)],
			DataCentre: fmt.Sprintf("%s-%d", regionNames[region%len(regionNames)], centre%sh.centres+1),
			Cluster:    fmt.Sprintf("c%02d", cluster%sh.clusters+1),
			Row:        fmt.Sprintf("r%02d", row%sh.rows+1),
		}
	}
	return servers
}

// fail sets a number of servers down.
func fail(s heatmap.Snapshot, down int) {
	centres := s.Topology.DataCentres()
	clusters := centres[len(centres)*2/5].Children
	cluster := clusters[len(clusters)/3]
	rows := centres[len(centres)*4/5].Children[0].Children
	for _, g := range []heatmap.Group{cluster, rows[len(rows)/2]} {
		if 2*g.Len > down { // some of the random failures must remain
			continue
		}
		down -= g.Len
		for i := range g.Len {
			s.Up.Set(g.First+i, false)
		}
	}
	for r := rand.New(rand.NewPCG(11, 29)); down > 0; {
		if i := r.IntN(s.Up.Len()); s.Up.Get(i) {
			s.Up.Set(i, false)
			down--
		}
	}
}
