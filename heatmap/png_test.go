package heatmap

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// paint gives servers states at random, about half of them up.
func paint(topology *Topology, n int, seed uint64) Snapshot {
	r := rand.New(rand.NewPCG(seed, 0))
	s := Snapshot{Topology: topology, Up: newBitset(n), Known: newBitset(n), Changed: epoch}
	for i := range n {
		state := r.IntN(4)
		s.Known.Set(i, state > 0)
		s.Up.Set(i, state > 1)
	}
	return s
}

// irregular makes groups of random sizes, some of them without a name.
func irregular(r *rand.Rand) []Server {
	var all []Server
	name := func(prefix string, i int) string {
		if r.IntN(5) == 0 {
			return ""
		}
		return fmt.Sprintf("%s%d%s", prefix, i, strings.Repeat("x", r.IntN(3)*r.IntN(20)))
	}
	for d := range 1 + r.IntN(4) {
		region := name("region", d/2)
		centre := name("dc", d)
		for c := range 1 + r.IntN(8) {
			cluster := name("c", c)
			for row := range 1 + r.IntN(6) {
				label := name("r", row)
				for range 1 + r.IntN(60)*r.IntN(4) {
					all = append(all, Server{Name: fmt.Sprint(len(all)), Region: region, DataCentre: centre, Cluster: cluster, Row: label})
				}
			}
		}
	}
	return all
}

func TestEveryServerHasASquareOfItsOwn(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	cases := map[string][]Server{
		"one":            fleet(1, 1, 1, 1),
		"small":          fleet(1, 2, 1, 5),
		"short rows":     fleet(1, 2, 100, 4),
		"long rows":      fleet(2, 2, 2, 900),
		"many clusters":  fleet(3, 400, 1, 7),
		"no labels":      fleet(2, 1500, 1, 5),
		"large":          fleet(2, 5, 10, 100),
		"lonely servers": fleet(30, 1, 1, 1),
	}
	for i := range 12 {
		cases[fmt.Sprintf("irregular %d", i)] = irregular(r)
	}
	for name, servers := range cases {
		t.Run(name, func(t *testing.T) {
			topology := mustTopology(t, servers)
			for _, width := range []int{MinWidth, DefaultWidth} {
				checkSquares(t, paint(topology, topology.Len(), 3), width, RowMajor)
				checkSquares(t, paint(topology, topology.Len(), 3), width, Hilbert)
			}
		})
	}
}

// checkSquares draws s and looks at the place of every server.
func checkSquares(t *testing.T, s Snapshot, width int, order Order) {
	t.Helper()
	c := newCanvas(s.scene(""), PNGOptions{Width: width, Order: order})
	img := c.surface.(*pixels).img
	for i := range c.layout.centres {
		c.centre(&c.layout.centres[i])
	}
	taken := make([]bool, len(img.Pix))
	drawn := newBitset(s.Up.Len())
	eachSquare(&c.layout, func(i int, square image.Rectangle) {
		if drawn.Get(i) {
			t.Fatalf("server %d is drawn twice", i)
		}
		drawn.Set(i, true)
		if !square.In(img.Rect) {
			t.Fatalf("server %d at %v is outside the picture %v", i, square, img.Rect)
		}
		for y := square.Min.Y; y < square.Max.Y; y++ {
			for x := square.Min.X; x < square.Max.X; x++ {
				at := y*img.Stride + x
				if taken[at] {
					t.Fatalf("server %d shares pixel %d,%d with another", i, x, y)
				}
				taken[at] = true
			}
		}
		want := map[State][]uint8{Up: {inkUp}, Down: {inkDown}, Unknown: {inkUnknown, inkHatch}}[s.State(i)]
		if got := img.Pix[square.Min.Y*img.Stride+square.Min.X]; !bytes.Contains(want, []byte{got}) {
			t.Fatalf("server %d is %v and has colour %d", i, s.State(i), got)
		}
	})
	if drawn.Count() != s.Up.Len() {
		t.Fatalf("%d of %d servers are drawn", drawn.Count(), s.Up.Len())
	}
}

// eachSquare follows the layout on its own, as canvas.cluster and canvas.row do.
func eachSquare(l *layout, do func(i int, square image.Rectangle)) {
	st := l.style
	for _, centre := range l.centres {
		for _, b := range centre.clusters {
			inside := st.border + st.pad
			if b.curve != nil {
				b.curve.each(func(i, x, y int) {
					left, top := b.x+inside+x*st.pitch, b.y+inside+y*st.pitch
					do(b.group.First+i, image.Rect(left, top, left+st.cell, top+st.cell))
				})
				continue
			}
			y := b.y + inside + st.clusterHead
			for at, row := range b.group.Children {
				left := b.x + inside + at%b.banks*b.bankPitch(st) + b.label
				for i := range row.Len {
					x, top := left+i%b.columns*st.pitch, y+i/b.columns*st.pitch
					do(row.First+i, image.Rect(x, top, x+st.cell, top+st.cell))
				}
				if at%b.banks == b.banks-1 {
					y += b.lines(row)*st.pitch + st.rowGap
				}
			}
		}
	}
}

func TestPictureStaysInBounds(t *testing.T) {
	many := make([]Server, maxBoxes+1)
	for i := range many {
		many[i] = Server{Name: fmt.Sprint(i), DataCentre: fmt.Sprint(i)}
	}
	for name, s := range map[string]Snapshot{
		"none":              paint(nil, 0, 1),
		"one":               paint(nil, 1, 1),
		"a million":         paint(nil, MaxServers, 1),
		"too many centres":  paint(mustTopology(t, many), len(many), 1),
		"too many clusters": paint(mustTopology(t, fleet(1, maxBoxes+1, 1, 1)), maxBoxes+1, 1),
	} {
		for _, width := range []int{MinWidth, MaxWidth} {
			picture := newCanvas(s.scene(strings.Repeat("title ", 40)), PNGOptions{Width: width}).surface.(*pixels).img.Rect.Max
			if picture.X > width || picture.Y > 3*width || picture.X < 1 || picture.Y < 1 {
				t.Errorf("%s at width %d: picture of %v", name, width, picture)
			}
		}
	}
}

func TestMillionServersAreOnePixelEach(t *testing.T) {
	s := paint(nil, MaxServers, 5)
	c := newCanvas(s.scene(""), PNGOptions{Width: DefaultWidth})
	img := c.surface.(*pixels).img
	c.style.tellsClusters = false // so that nothing but servers has their colours
	c.cluster(&c.layout.centres[0].clusters[0])
	want := s.Counts()
	up, down := bytes.Count(img.Pix, []byte{inkUp}), bytes.Count(img.Pix, []byte{inkDown})
	unknown := bytes.Count(img.Pix, []byte{inkUnknown}) + bytes.Count(img.Pix, []byte{inkHatch})
	if got := (Counts{Up: up, Down: down, Unknown: unknown}); got != want {
		t.Errorf("pixels of each colour are %+v, want %+v", got, want)
	}
}

func TestLabelsGoLast(t *testing.T) {
	for _, c := range []struct {
		name    string
		servers []Server
		want    detail
	}{
		{"two thousand servers", fleet(2, 10, 5, 20), allDetail},
		{"fifty thousand in large clusters", fleet(5, 20, 10, 50), allDetail},
		{"thousands of tiny clusters", fleet(10, 700, 1, 10), borderless},
		{"more clusters than can be told apart", fleet(1, maxBoxes+1, 1, 1), centresOnly},
	} {
		topology := mustTopology(t, c.servers)
		if got := newLayout(paint(topology, topology.Len(), 1).scene(""), DefaultWidth, RowMajor).style.detail; got != c.want {
			t.Errorf("%s: detail %d, want %d", c.name, got, c.want)
		}
	}
}

func TestRenderPNGMakesAPicture(t *testing.T) {
	s := paint(mustTopology(t, fleet(2, 3, 2, 10)), 120, 2)
	for _, title := range []string{"", "Shop, ümlaut", strings.Repeat("t", MaxLabel)} {
		var file bytes.Buffer
		if err := RenderPNG(&file, s, PNGOptions{Title: title}); err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(&file)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[color.RGBA]bool{}
		for y := range picture.Bounds().Dy() {
			for x := range picture.Bounds().Dx() {
				seen[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)] = true
			}
		}
		// Okabe and Ito's
		for _, want := range []color.RGBA{{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}} {
			if !seen[want] {
				t.Errorf("title %.10q: no pixel has colour %v", title, want)
			}
		}
	}
}

func TestBadClusterHasAFrame(t *testing.T) {
	topology := mustTopology(t, fleet(1, 2, 1, 10))
	s := Snapshot{Topology: topology, Up: newBitset(20)}
	for i := range 15 {
		s.Up.Set(i, true) // of the second cluster, half
	}
	c := newCanvas(s.scene(""), PNGOptions{Width: DefaultWidth})
	img := c.surface.(*pixels).img
	c.centre(&c.layout.centres[0])
	for i, want := range []uint8{inkLine, inkDown} {
		b := c.layout.centres[0].clusters[i]
		if got := img.Pix[b.y*img.Stride+b.x]; got != want {
			t.Errorf("cluster %d has a frame of colour %d, want %d", i, got, want)
		}
	}
}

func TestRenderersRefuseWhatDoesNotFit(t *testing.T) {
	topology := mustTopology(t, fleet(1, 1, 1, 3))
	full := newBitset(3)
	full.Set(1, true)
	for name, s := range map[string]Snapshot{
		"no bits":            {},
		"topology differs":   {Topology: topology, Up: newBitset(4)},
		"known differs":      {Up: newBitset(3), Known: newBitset(4)},
		"up but not known":   {Up: full, Known: newBitset(3)},
		"shorter than known": {Up: newBitset(2), Known: newBitset(3)},
	} {
		if RenderPNG(io.Discard, s, PNGOptions{}) == nil {
			t.Errorf("PNG: %s: no error", name)
		}
		if RenderText(io.Discard, s, TextOptions{}) == nil {
			t.Errorf("text: %s: no error", name)
		}
	}
	good := Snapshot{Up: full}
	for _, o := range []PNGOptions{{Width: MinWidth - 1}, {Width: MaxWidth + 1}, {Width: -1}, {Title: "\x00"}, {Title: strings.Repeat("t", MaxLabel+1)}} {
		if RenderPNG(io.Discard, good, o) == nil {
			t.Errorf("options %+v were taken", o)
		}
	}
	for _, o := range []TextOptions{{Columns: 39}, {Columns: 1001}, {MaxCells: -1}} {
		if RenderText(io.Discard, good, o) == nil {
			t.Errorf("options %+v were taken", o)
		}
	}
}

var errFull = errors.New("disk full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestRenderersTellOfAFailedWriter(t *testing.T) {
	s := Snapshot{Up: newBitset(3)}
	if err := RenderPNG(fullDisk{}, s, PNGOptions{}); !errors.Is(err, errFull) {
		t.Errorf("PNG: %v", err)
	}
	if err := RenderText(fullDisk{}, s, TextOptions{}); !errors.Is(err, errFull) {
		t.Errorf("text: %v", err)
	}
}

func TestFontHasEveryCharacterOnce(t *testing.T) {
	seen := map[uint64]rune{}
	for r := '!'; r <= '~'; r++ {
		g := glyph(r)
		if other, twice := seen[g]; twice || g == 0 || g == hollow {
			t.Errorf("%q looks like %q, or like nothing", r, other)
		}
		seen[g] = r
	}
	if glyph(' ') != 0 || glyph('ä') != hollow {
		t.Error("space or an unknown character is wrong")
	}
}

func TestFitKeepsToTheRoom(t *testing.T) {
	for _, c := range []struct {
		text string
		room int // characters
		want string
	}{
		{"web-01", 6, "web-01"}, {"web-01", 5, "web.."}, {"web-01", 4, ""}, {"web", 3, "web"}, {"web", -1, ""}, {"", 0, ""}, {"änderung", 6, "ände.."},
	} {
		if got := fit(c.text, c.room*glyphWidth, 1); got != c.want {
			t.Errorf("fit(%q, %d) = %q, want %q", c.text, c.room, got, c.want)
		}
	}
}

// million returns 1,000,000 servers of which one in a hundred is down.
func million(b *testing.B) Snapshot {
	topology := mustTopology(b, fleet(10, 20, 50, 100))
	s := Snapshot{Topology: topology, Up: newBitset(MaxServers)}
	for i := range MaxServers {
		s.Up.Set(i, i*7919%100 != 0)
	}
	return s
}

func BenchmarkRenderPNGMillion(b *testing.B) {
	s := million(b)
	for b.Loop() {
		if err := RenderPNG(io.Discard, s, PNGOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
