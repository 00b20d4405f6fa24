package heatmap_test

import (
	"fmt"
	"log"
	"os"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
)

func Example() {
	var servers []heatmap.Server
	for i := range 20 {
		servers = append(servers, heatmap.Server{Name: fmt.Sprint("s", i), DataCentre: "north", Cluster: "a", Row: fmt.Sprint("r", i/10)})
	}
	topology, err := heatmap.NewTopology(servers)
	if err != nil {
		log.Fatal(err)
	}
	m, now := heatmap.NewMap(topology), time.Date(2026, 11, 29, 18, 0, 0, 0, time.UTC)
	for i := range servers {
		m.Set(i, heatmap.Up, now)
	}
	m.Set(13, heatmap.Down, now)
	s := m.Snapshot()
	fmt.Printf("%d bytes, %d down\n", len(s.Up.Bytes()), m.Counts().Down)
	if err := heatmap.RenderText(os.Stdout, s, heatmap.TextOptions{}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 3 bytes, 1 down
	// 20 servers  █ 19 up  ✗ 1 down  · 0 unknown
	// changed 2026-11-29 18:00:00 UTC
	//
	// north  1 down of 20 servers
	//   a  19/20  r0 ██████████  r1 ███✗██████
}
