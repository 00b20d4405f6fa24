package heatmap

import (
	"image"
	"image/color"
	"slices"
	"sync"
)

// pixels is a surface of pixels, which begins at 0, 0. Parts of drawings outside of it are ignored.
type pixels struct {
	img  *image.Paletted
	inks []uint8 // of the servers
}

func newPixels(width, height int, inks []uint8, colours color.Palette) *pixels {
	pix := takeBuffer(width * height)
	clear(pix) // which is paper
	return &pixels{&image.Paletted{Pix: pix, Stride: width, Rect: image.Rect(0, 0, width, height), Palette: colours}, inks}
}

// buffers reuses the largest parts of pictures, which take megabytes.
var buffers sync.Pool

// takeBuffer returns n bytes with any contents. The caller may give them back by giveBuffer.
func takeBuffer(n int) []uint8 {
	b, _ := buffers.Get().(*[]uint8)
	if b == nil {
		b = new([]uint8)
	}
	return slices.Grow((*b)[:0], n)[:n]
}

func giveBuffer(b []uint8) { buffers.Put(&b) }

func (p *pixels) fill(x, y, w, h int, ink uint8) {
	left, right := max(x, 0), min(x+w, p.img.Rect.Max.X)
	if left >= right {
		return
	}
	var first []uint8 // of the lines
	for line := max(y, 0); line < min(y+h, p.img.Rect.Max.Y); line++ {
		to := p.img.Pix[line*p.img.Stride+left : line*p.img.Stride+right]
		if first != nil {
			copy(to, first)
			continue
		}
		for first = to; len(to) > 0; to = to[1:] {
			to[0] = ink
		}
	}
}

// text draws a square of scale × scale pixels for each pixel of the font.
func (p *pixels) text(x, y, scale int, s string, ink uint8, bold bool) {
	if bold {
		p.text(x+1, y, scale, s, ink, false)
	}
	for _, r := range s {
		p.glyph(x, y, scale, glyph(r), ink)
		x += glyphWidth * scale
	}
}

func (p *pixels) glyph(x, y, scale int, bits uint64, ink uint8) {
	whole := image.Rect(x, y, x+glyphColumn*scale, y+glyphLine*scale).In(p.img.Rect)
	for at := 0; bits != 0; at, bits = at+1, bits>>1 {
		switch px, py := x+at%glyphColumn*scale, y+at/glyphColumn*scale; {
		case bits&1 == 0:
		case whole && scale == 1: // as for the labels of thousands of clusters
			p.img.Pix[py*p.img.Stride+px] = ink
		default:
			p.fill(px, py, scale, scale, ink)
		}
	}
}

// squares draws the first line of pixels of each line of servers, and copies it.
func (p *pixels) squares(f field) {
	for from := 0; from < f.n; from += f.columns {
		inks := p.inks[f.first+from:][:min(f.columns, f.n-from)]
		y := f.y + from/f.columns*f.pitch
		line := p.img.Pix[y*p.img.Stride+f.x:][:(len(inks)-1)*f.pitch+f.cell]
		if f.pitch == 1 {
			copy(line, inks)
			continue
		}
		for i, ink := range inks {
			square := line[i*f.pitch:][:f.cell]
			for j := range square {
				square[j] = ink
			}
		}
		p.repeat(line, f.x, y, f)
		if f.cell >= smallestSign {
			p.signs(inks, f, y)
		}
	}
}

// repeat copies the squares of a line of pixels at x, y to the lines below, without what is between
// the squares.
func (p *pixels) repeat(line []uint8, x, y int, f field) {
	for below := 1; below < f.cell; below++ {
		to := p.img.Pix[(y+below)*p.img.Stride+x:][:len(line)]
		if f.pitch == f.cell {
			copy(to, line)
			continue
		}
		for at := 0; at < len(line); at += f.pitch {
			copy(to[at:at+f.cell], line[at:])
		}
	}
}

// signs draws the signs on the squares of a line of servers.
func (p *pixels) signs(inks []uint8, f field, y int) {
	for i, ink := range inks {
		p.sign(f.x+i*f.pitch, y, f.cell, ink)
	}
}

// server draws the square of one server.
func (p *pixels) server(x, y, size int, ink uint8) {
	p.fill(x, y, size, size, ink)
	p.sign(x, y, size, ink)
}

// sign draws a shape that means the same as the square's colour.
func (p *pixels) sign(x, y, size int, ink uint8) {
	switch ink {
	case inkDown, inkStillDown: // both diagonals, away from the edge
		edge, thick := size/4, max(1, size/8)
		for i := edge; i <= size-edge-thick && size >= smallestSign; i++ {
			p.fill(x+i, y+i, thick, thick, paper)
			p.fill(x+size-thick-i, y+i, thick, thick, paper)
		}
	case inkUnknown:
		for i := range size * size {
			if px, py := x+i%size, y+i/size; (px+py)%hatchPeriod == 0 {
				p.fill(px, py, 1, 1, inkHatch)
			}
		}
	}
}
