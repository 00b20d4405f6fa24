package maps

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/heatmap/history"
	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

// fleet returns 1,000,000 servers in 10 data centres of 20 clusters of 50 rows.
func fleet() []heatmap.Server {
	all := make([]heatmap.Server, n)
	for i := range all {
		all[i] = heatmap.Server{
			Name: fmt.Sprintf("s%d", i), Address: fmt.Sprintf("10.%d.%d.%d:443", i>>16, i>>8&255, i&255),
			DataCentre: fmt.Sprintf("dc%d", i/100_000), Cluster: fmt.Sprintf("web-%02d", i/5000%20), Row: fmt.Sprintf("r%d", i/100%50),
		}
	}
	return all
}

func BenchmarkTopologyOfAMillion(b *testing.B) {
	servers := fleet()
	bench(b, "ours", func(int) {
		if _, err := heatmap.NewTopology(servers); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkPictureOfAMillion(b *testing.B) {
	t, err := heatmap.NewTopology(fleet())
	if err != nil {
		b.Fatal(err)
	}
	s := heatmap.Snapshot{Topology: t, Up: downAtRandom(1).ours}
	for i := range n {
		s.Up.Set(i, !s.Up.Get(i))
	}
	for name, o := range map[string]heatmap.PNGOptions{"rows": {Width: heatmap.DefaultWidth}, "hilbert": {Width: heatmap.DefaultWidth, Order: heatmap.Hilbert}} {
		bench(b, name, func(int) {
			if err := heatmap.RenderPNG(io.Discard, s, o); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkMonth keeps a month of minute frames of 100,000 servers, once, and reads frames at
// random. In each minute 20 servers at random are set, of which about 4 change, and once an hour a
// cluster of 500 goes down for 10 minutes.
func BenchmarkMonth(b *testing.B) {
	const servers, frames = 100_000, 30 * 24 * 60
	t, err := heatmap.NewTopology(fleet()[:servers])
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	past, err := history.Open(history.Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = past.Close() })
	m, r, first := heatmap.NewMap(t), rand.New(rand.NewPCG(3, 3)), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for i := range servers {
		m.Set(i, heatmap.Up, first)
	}
	began := measure.CPU()
	for f := range frames {
		at := first.Add(time.Duration(f) * time.Minute)
		for range 20 {
			i := r.IntN(servers)
			m.Set(i, heatmap.Up-heatmap.State(r.IntN(8)/7), at)
		}
		if minute := f % 60; minute == 0 || minute == 10 {
			for i := range 500 {
				m.Set(f/60%200*500+i, heatmap.Down+heatmap.State(minute/10), at)
			}
		}
		if err := past.Append(at, m.Snapshot()); err != nil {
			b.Fatal(err)
		}
	}
	perFrame := (measure.CPU() - began) / frames
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		b.Fatal(err)
	}
	size := int64(0)
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	b.Run("at", func(b *testing.B) {
		meter := measure.Start(b)
		for b.Loop() {
			if _, err := past.At(first.Add(time.Duration(r.IntN(frames)) * time.Minute)); err != nil {
				b.Fatal(err)
			}
		}
		meter.End()
		b.ReportMetric(float64(size)/1e6, "MB")
		b.ReportMetric(float64(perFrame), "append-cpu-ns")
	})
}
