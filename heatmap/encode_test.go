package heatmap

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"testing"
)

// patterns are what may be in a picture: noise, runs, rows like the one above, hatching.
var patterns = map[string]func(r *rand.Rand, img *image.Paletted, x, y int) uint8{
	"noise":  func(r *rand.Rand, _ *image.Paletted, _, _ int) uint8 { return uint8(r.IntN(int(inks))) },
	"plain":  func(*rand.Rand, *image.Paletted, int, int) uint8 { return inkUp },
	"hatch":  func(_ *rand.Rand, _ *image.Paletted, x, y int) uint8 { return uint8((x + y) % hatchPeriod) },
	"stripe": func(_ *rand.Rand, _ *image.Paletted, x, y int) uint8 { return uint8(x / 5 % int(inks)) },
	"alike": func(r *rand.Rand, img *image.Paletted, x, y int) uint8 {
		if y == 0 || r.IntN(40) == 0 {
			return uint8(r.IntN(int(inks)))
		}
		return img.ColorIndexAt(x, y-1)
	},
}

func draw(r *rand.Rand, w, h int, pattern func(*rand.Rand, *image.Paletted, int, int) uint8) *image.Paletted {
	img := image.NewPaletted(image.Rect(0, 0, w, h), palette)
	for i := range img.Pix {
		img.Pix[i] = pattern(r, img, i%w, i/w)
	}
	return img
}

func TestEncodedPicturesAreWhatWasDrawn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	for name, pattern := range patterns {
		sizes := [][2]int{{1, 1}, {2, 1}, {1, 9}, {15, 3}, {16, 5}, {17, 8}, {MaxWidth, 9}, {700, 700}}
		for range 40 {
			sizes = append(sizes, [2]int{1 + r.IntN(600), 1 + r.IntN(30)})
		}
		for _, size := range sizes {
			img := draw(r, size[0], size[1], pattern)
			var file bytes.Buffer
			if err := encodeImage(&file, img); err != nil {
				t.Fatal(err)
			}
			got, err := png.Decode(bytes.NewReader(file.Bytes()))
			if err != nil {
				t.Fatalf("%s of %v: %v", name, size, err)
			}
			paletted, ok := got.(*image.Paletted)
			if !ok || paletted.Rect != img.Rect || !bytes.Equal(paletted.Pix, img.Pix) {
				t.Fatalf("%s of %v is another picture", name, size)
			}
			// at most nine bits for two pixels
			if most := size[1]*(3+(size[0]+1)/2)*9/8 + 500; file.Len() > most {
				t.Errorf("%s of %v takes %d bytes, want %d at most", name, size, file.Len(), most)
			}
		}
	}
}

// Pictures must travel: what little there is in them must not take much more than it does when
// image/png searches for every repetition.
func TestEncodedPicturesAreSmall(t *testing.T) {
	topology := mustTopology(t, fleet(2, 20, 10, 50))
	few := Snapshot{Topology: topology, Up: newBitset(topology.Len())}
	for i := range topology.Len() {
		few.Up.Set(i, i%97 != 5)
	}
	for name, s := range map[string]Snapshot{
		"few down": few, "half up": paint(topology, topology.Len(), 3),
		"unknown": {Topology: topology, Up: newBitset(topology.Len()), Known: newBitset(topology.Len())},
	} {
		c := newCanvas(s.scene(name), PNGOptions{Width: DefaultWidth})
		c.draw()
		img := c.surface.(*pixels).img
		var ours, theirs bytes.Buffer
		if err := encodeImage(&ours, img); err != nil {
			t.Fatal(err)
		}
		if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&theirs, img); err != nil {
			t.Fatal(err)
		}
		if ours.Len() > 4*theirs.Len() {
			t.Errorf("%s: %d bytes, and %d by image/png", name, ours.Len(), theirs.Len())
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	s := million(b)
	o := PNGOptions{}
	if err := o.validate(MaxServers); err != nil {
		b.Fatal(err)
	}
	c := newCanvas(s.scene(""), o)
	c.draw()
	img := c.surface.(*pixels).img
	for name, encode := range map[string]func(io.Writer, *image.Paletted) error{
		"ours": encodeImage,
		"image_png": func(w io.Writer, img *image.Paletted) error {
			return (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(w, img)
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := encode(io.Discard, img); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
