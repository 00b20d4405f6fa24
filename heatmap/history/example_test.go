package history_test

import (
	"fmt"
	"log"
	"os"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/heatmap/history"
)

func Example() {
	dir, err := os.MkdirTemp("", "history")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	past, err := history.Open(history.Options{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer past.Close()
	topology, err := heatmap.NewTopology([]heatmap.Server{{Name: "web-1"}, {Name: "web-2"}})
	if err != nil {
		log.Fatal(err)
	}
	m, noon := heatmap.NewMap(topology), time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for minute, state := range []heatmap.State{heatmap.Up, heatmap.Down, heatmap.Up} {
		at := noon.Add(time.Duration(minute) * time.Minute)
		m.Set(0, state, at)
		if err := past.Append(at, m.Snapshot()); err != nil {
			log.Fatal(err)
		}
	}
	then, err := past.At(noon.Add(90 * time.Second))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(then.Topology.Server(0).Name, "was", then.State(0))
	// Output: web-1 was down
}
