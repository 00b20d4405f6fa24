package heatmap

import (
	"encoding/binary"
	"image/color"
	"slices"
	"sync"
)

// Colours, as indices into the palette. Blue, vermillion and bluish green are from Okabe and Ito's
// palette, which nearly everybody can tell apart. In squares that are large enough, a cross and
// hatching show the same by shape.
const (
	paper uint8 = iota
	panel
	inkLine
	inkText
	inkMuted
	inkUp
	inkDown
	inkUnknown
	inkHatch
	inkSame      // up before and after, in a difference
	inkRecovered // down before, up after
	inkStillDown // down before and after
	inks         // number of colours
)

var palette = func() color.Palette {
	colours := [inks]uint32{
		paper: 0xffffff, panel: 0xf3f4f6, inkLine: 0xb4bac4, inkText: 0x1f2430, inkMuted: 0x5f6774,
		inkUp: 0x0072b2, inkDown: 0xd55e00, inkUnknown: 0xdddfe4, inkHatch: 0x8d94a0,
		inkSame: 0xbcd3e4, inkRecovered: 0x009e73, inkStillDown: 0x6b2f00,
	}
	p := make(color.Palette, inks)
	for i := range p {
		c := colours[i]
		p[i] = color.RGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 0xff}
	}
	return p
}()

// tinyPalette is for squares of one or two pixels. The eye tells such small ones apart by
// brightness rather than by hue, and the usual blue is as dark as vermillion.
var tinyPalette = func() color.Palette {
	p := slices.Clone(palette)
	p[inkUp] = color.RGBA{0x8f, 0xc8, 0xec, 0xff}
	return p
}()

const tinyCell = 2 // pixels

// inkOf returns the colour of a server's square.
func inkOf(s State) uint8 {
	switch s {
	case Up:
		return inkUp
	case Down:
		return inkDown
	}
	return inkUnknown
}

// upOrDown has, for each byte of up bits, the colours of eight known servers, one per byte.
var upOrDown = sync.OnceValue(func() *[256]uint64 {
	table := new([256]uint64)
	for b := range table {
		for i := range 8 {
			ink := inkDown
			if b>>i&1 != 0 {
				ink = inkUp
			}
			table[b] |= uint64(ink) << (8 * i)
		}
	}
	return table
})

// inks returns the colour of each server's square. It takes eight servers at a time, as a picture
// of 1,000,000 servers must take milliseconds. The caller may give the slice back by giveBuffer.
func (s Snapshot) inks() []uint8 {
	n := s.Up.Len()
	all := takeBuffer(len(s.Up.words) * 64)
	table := upOrDown()
	for w, up := range s.Up.words {
		known := ^uint64(0)
		if s.Known != nil {
			known = s.Known.words[w]
		}
		for b := range 8 {
			at := all[w*64+b*8:][:8]
			binary.LittleEndian.PutUint64(at, table[uint8(up>>(8*b))])
			for i, k := 0, uint8(known>>(8*b)); k != 0xff && i < 8; i++ {
				if k>>i&1 == 0 {
					at[i] = inkUnknown
				}
			}
		}
	}
	return all[:n]
}
