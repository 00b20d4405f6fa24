package heatmap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestCurveGoesFromNeighbourToNeighbourThroughAllCells(t *testing.T) {
	for n := range 300 {
		for _, most := range []int{1, 7, 1000} {
			if n == 0 {
				continue
			}
			c := newCurve(n, most)
			seen := map[[2]int]bool{}
			last, jumps := [2]int{}, 0
			c.each(func(i, x, y int) {
				at := [2]int{x, y}
				if i != len(seen) || seen[at] || x < 0 || x >= c.columns || y < 0 || y >= c.lines {
					t.Fatalf("%d cells in %d × %d: cell %d is at %v", n, c.columns, c.lines, i, at)
				}
				if dx, dy := x-last[0], y-last[1]; i > 0 && dx*dx+dy*dy > 1 {
					jumps++ // a rectangle with one odd edge needs a diagonal step
				}
				seen[at], last = true, at
			})
			if len(seen) != n || jumps > 1 {
				t.Fatalf("%d of %d cells in %d × %d, %d jumps", len(seen), n, c.columns, c.lines, jumps)
			}
		}
	}
}

func threeRegions(t testing.TB) Snapshot {
	t.Helper()
	servers := fleet(3, 2, 2, 5)
	for i := range servers {
		servers[i].Region = []string{"north", "south", "east"}[i/20]
		servers[i].DataCentre = "dc<1>"
	}
	m := NewMap(mustTopology(t, servers))
	for i := range 60 {
		m.Set(i, Up, epoch)
	}
	for i := 30; i < 35; i++ {
		m.Set(i, Down, epoch) // row r0 of south's web-01
	}
	m.Set(59, Unknown, epoch)
	return m.Snapshot()
}

func TestPartShowsOneGroup(t *testing.T) {
	s := threeRegions(t)
	for _, c := range []struct {
		path []string
		want Counts
	}{
		{nil, Counts{54, 5, 1}},
		{[]string{"south"}, Counts{15, 5, 0}},
		{[]string{"south", "dc<1>", "web-01"}, Counts{5, 5, 0}},
		{[]string{"south", "dc<1>", "web-01", "r0"}, Counts{0, 5, 0}},
		{[]string{"east", "dc<1>"}, Counts{19, 0, 1}},
	} {
		part, err := s.Part(c.path...)
		if err != nil || part.Counts() != c.want {
			t.Errorf("%v: %+v, %v; want %+v", c.path, part.Counts(), err, c.want)
		}
		first, n := part.Span()
		up, err := s.Up.Range(first, n)
		if err != nil || up.Len() != c.want.Total() || up.Count() != c.want.Up {
			t.Errorf("%v: %d of %d bits, %v; want %+v", c.path, up.Count(), up.Len(), err, c.want)
		}
		for _, order := range []Order{RowMajor, Hilbert} {
			canvas := newCanvas(part.scene(""), PNGOptions{Width: DefaultWidth, Order: order})
			drawn := 0
			eachSquare(&canvas.layout, func(int, image.Rectangle) { drawn++ })
			if drawn != c.want.Total() {
				t.Errorf("%v: %d servers are drawn, want %d", c.path, drawn, c.want.Total())
			}
		}
		if text := renderText(t, part, TextOptions{}); !strings.HasPrefix(text, fmt.Sprintf("%d servers", c.want.Total())) {
			t.Errorf("%v: %s", c.path, text)
		}
	}
	for _, path := range [][]string{{"west"}, {"south", "dc2"}, {"south", "dc<1>", "web-01", "r0", "s30"}} {
		if _, err := s.Part(path...); !errors.Is(err, ErrNoGroup) {
			t.Errorf("%v: %v", path, err)
		}
	}
	if _, err := (Snapshot{Up: s.Up}).Part("south"); !errors.Is(err, ErrNoGroup) {
		t.Errorf("without groups: %v", err)
	}
	flat := Snapshot{Topology: mustTopology(t, fleet(2, 2, 1, 3)), Up: newBitset(12)}
	if part, err := flat.Part("dc1", "web-00"); err != nil || part.Counts().Total() != 3 {
		t.Errorf("without regions: %+v, %v", part.Counts(), err)
	}
}

func TestHeadingNamesWhatIsDownAsAWhole(t *testing.T) {
	if got := threeRegions(t).scene("").footer; got != "down as a whole: row south/dc<1>/web-01/r0 (5)" {
		t.Errorf("the heading says %q", got)
	}
	s := Snapshot{Topology: mustTopology(t, fleet(2, 3, 2, 4)), Up: newBitset(48)}
	if got := s.scene("").footer; got != "down as a whole: everything (48)" {
		t.Errorf("everything is down, and the heading says %q", got)
	}
}

func TestSVGIsWellFormedAndNamesServers(t *testing.T) {
	for _, order := range []Order{RowMajor, Hilbert} {
		var picture bytes.Buffer
		if err := RenderSVG(&picture, threeRegions(t), PNGOptions{Title: `<&"`, Order: order}); err != nil {
			t.Fatal(err)
		}
		titles, decoder := 0, xml.NewDecoder(bytes.NewReader(picture.Bytes()))
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "title" {
				titles++
			}
		}
		if titles != 61 || !bytes.Contains(picture.Bytes(), []byte("<title>s30: down</title>")) {
			t.Errorf("order %d: %d titles", order, titles)
		}
	}
	if err := RenderSVG(io.Discard, Snapshot{Up: newBitset(MaxSVG + 1)}, PNGOptions{}); !errors.Is(err, ErrLength) {
		t.Errorf("too many servers: %v", err)
	}
}

func TestOtherTextStyles(t *testing.T) {
	s := threeRegions(t)
	part, err := s.Part("south", "dc<1>", "web-01")
	if err != nil {
		t.Fatal(err)
	}
	for style, want := range map[TextStyle]string{
		Emoji:      "10 servers  🟦 5 up  🟧 5 down  ⬜ 0 unknown\nchanged 2026-03-04 05:06:07 UTC\n\nSOUTH  5 down of 10 servers\n\ndc<1>  5 down of 10 servers\n  web-01  5/10  \n    🟧🟧🟧🟧🟧\n    🟦🟦🟦🟦🟦\n",
		HalfBlocks: "10 servers  █ 5 up  ✗ 5 down  · 0 unknown\nchanged 2026-03-04 05:06:07 UTC\n\nSOUTH  5 down of 10 servers\n\ndc<1>  5 down of 10 servers\n  web-01  5/10  \n    ▄▄▄▄▄\n",
	} {
		if got := renderText(t, part, TextOptions{Style: style}); got != want {
			t.Errorf("style %d:\n%s\nwant\n%s", style, got, want)
		}
	}
	coloured := renderText(t, part, TextOptions{Style: HalfBlocks, Colour: true})
	if !strings.Contains(coloured, "\x1b[38;5;166m\x1b[48;5;32m▀\x1b[0m") {
		t.Errorf("a failed server above one that is up: %q", coloured)
	}
	if RenderText(io.Discard, s, TextOptions{Style: Emoji + 1}) == nil {
		t.Error("a style that there is not was taken")
	}
}

func TestDifferenceFollowsServersByName(t *testing.T) {
	before := NewMap(mustTopology(t, fleet(1, 2, 1, 3)))
	for i, s := range []State{Up, Down, Down, Up, Up, Unknown} {
		before.Set(i, s, epoch)
	}
	servers := fleet(1, 2, 1, 3)
	servers[0].Cluster = "web-01" // has moved, so every index differs
	servers = append(servers[:5], Server{Name: "new", DataCentre: "dc0", Cluster: "web-01", Row: "r0"})
	after := NewMap(mustTopology(t, servers))
	set := func(name string, s State) {
		i, ok := after.Topology().ByName(name)
		if !ok {
			t.Fatalf("no server %s", name)
		}
		after.Set(i, s, epoch)
	}
	for name, s := range map[string]State{"s0": Down, "s1": Up, "s2": Down, "s3": Up, "s4": Unknown, "new": Down} {
		set(name, s)
	}
	d, err := Compare(before.Snapshot(), after.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	names := func(set *Bitset) string {
		var all []string
		for i := range set.All() {
			all = append(all, d.Topology.Server(i).Name)
		}
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	if names(d.Failed) != "new s0" || names(d.Recovered) != "s1" || names(d.StillDown) != "s2" || names(d.StillUp) != "s3" || d.Added != 1 || d.Removed != 1 {
		t.Errorf("failed %q, recovered %q, still down %q, still up %q, %d added, %d removed",
			names(d.Failed), names(d.Recovered), names(d.StillDown), names(d.StillUp), d.Added, d.Removed)
	}
	var picture bytes.Buffer
	if err := RenderDifferencePNG(&picture, d, epoch, epoch, PNGOptions{}); err != nil || picture.Len() == 0 {
		t.Errorf("picture of %d bytes, %v", picture.Len(), err)
	}
	if _, err := Compare(Snapshot{Up: newBitset(3)}, Snapshot{Up: newBitset(4)}); !errors.Is(err, ErrLength) {
		t.Errorf("different fleets without names: %v", err)
	}
}

func TestXorIsUndoneByItself(t *testing.T) {
	x, y := newBitset(130), newBitset(130)
	for i := range 130 {
		x.Set(i, i%3 == 0)
		y.Set(i, i%5 == 0)
	}
	d := newBitset(130)
	n, err := d.Xor(x, y)
	if err != nil || n != d.Count() {
		t.Fatalf("%d bits differ, want %d; %v", n, d.Count(), err)
	}
	if _, err := d.Xor(d, y); err != nil || !bytes.Equal(d.Bytes(), x.Bytes()) {
		t.Errorf("x ^ y ^ y is not x: %v", err)
	}
	if got := slices.Collect(y.All()); len(got) != 26 || got[25] != 125 {
		t.Errorf("the bits are %v", got)
	}
	if _, err := d.Xor(x, newBitset(3)); !errors.Is(err, ErrLength) {
		t.Errorf("other lengths: %v", err)
	}
}
