package maps

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"
	"testing"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/tests/bench/client"
	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

// fleet returns servers in data centres of 20 clusters of 50 rows of 100.
func fleet(servers int) []heatmap.Server {
	all := make([]heatmap.Server, servers)
	for i := range all {
		all[i] = heatmap.Server{
			Name: fmt.Sprintf("s%d", i), Address: fmt.Sprintf("10.%d.%d.%d:443", i>>16, i>>8&255, i&255),
			DataCentre: fmt.Sprintf("dc%d", i/100_000), Cluster: fmt.Sprintf("web-%02d", i/5000%20), Row: fmt.Sprintf("r%d", i/100%50),
		}
	}
	return all
}

// Topology makes a topology of 1,000,000 servers, beside two Go maps of names and addresses.
func Topology() []client.Case {
	servers := fleet(n)
	return []client.Case{
		each(Ours, func() {
			if _, err := heatmap.NewTopology(servers); err != nil {
				panic(err) // the servers are valid
			}
		}),
		each("two Go maps", func() {
			names, addresses := make(map[string]int32, n), make(map[string]int32, n)
			for i := range servers {
				names[servers[i].Name], addresses[servers[i].Address] = int32(i), int32(i)
			}
			Sink += len(names) + len(addresses)
		}),
	}
}

// Picture draws 1,000,000 servers of which 1 % are down, with borders and labels. Beside it,
// image/png encodes the finished picture.
func Picture() ([]client.Case, error) {
	t, err := heatmap.NewTopology(fleet(n))
	if err != nil {
		return nil, err
	}
	s := heatmap.Snapshot{Topology: t, Up: atRandom(1, n/100).ours}
	for i := range n {
		s.Up.Set(i, !s.Up.Get(i))
	}
	var file bytes.Buffer
	if err := heatmap.RenderPNG(&file, s, heatmap.PNGOptions{}); err != nil {
		return nil, err
	}
	img, err := png.Decode(&file)
	if err != nil {
		return nil, err
	}
	cases := []client.Case{draw(Ours, s, heatmap.PNGOptions{}), draw("along a Hilbert curve", s, heatmap.PNGOptions{Order: heatmap.Hilbert})}
	return append(cases, encode("image/png, fastest", img, png.BestSpeed), encode("image/png, default", img, png.DefaultCompression)), nil
}

func draw(name string, s heatmap.Snapshot, o heatmap.PNGOptions) client.Case {
	return each(name, func() {
		if err := heatmap.RenderPNG(io.Discard, s, o); err != nil {
			panic(err) // nothing is wrong with the map, and Discard takes everything
		}
	})
}

func encode(name string, img image.Image, level png.CompressionLevel) client.Case {
	e := png.Encoder{CompressionLevel: level}
	return each(name, func() { _ = e.Encode(io.Discard, img) })
}

// each returns a case that does one thing over and over that takes milliseconds.
func each(name string, do func()) client.Case {
	return client.Case{Name: name, Run: func(b *testing.B) { measure.Each(b, do) }}
}
