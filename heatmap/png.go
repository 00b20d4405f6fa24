package heatmap

import (
	"errors"
	"fmt"
	"io"
)

// Bounds and defaults of PNGOptions.Width in pixels.
const (
	MinWidth     = 640
	MaxWidth     = 4096
	DefaultWidth = 1200
	LargeWidth   = 1800
)

const largeFleet = 250_000 // servers; with more the default is LargeWidth

// PNGOptions are options of [RenderPNG]. The zero value is valid.
type PNGOptions struct {
	// greatest width of the picture in pixels, MinWidth to MaxWidth; 0 means DefaultWidth, or
	// LargeWidth for more than 250,000 servers. With few servers the picture is narrower
	Width int
	Title string // start of the heading; at most MaxLabel bytes; may be empty
	Order Order  // of the squares; the zero value is RowMajor
}

// Order is the order in which the squares of servers are drawn.
type Order uint8

// The orders.
const (
	RowMajor Order = iota // line by line, in clusters and rows
	// along a Hilbert curve through each data centre, so that servers that are close in the
	// topology are close in the picture in both directions. Clusters and rows have no labels
	Hilbert
)

// validate fills in the defaults for a number of servers and returns all faults, joined.
func (o *PNGOptions) validate(servers int) error {
	var faults []error
	switch {
	case o.Width == 0 && servers > largeFleet:
		o.Width = LargeWidth
	case o.Width == 0:
		o.Width = DefaultWidth
	}
	if o.Width < MinWidth || o.Width > MaxWidth {
		faults = append(faults, fmt.Errorf("width %d: want %d to %d pixels", o.Width, MinWidth, MaxWidth))
	}
	if err := checkLabel(o.Title); err != nil {
		faults = append(faults, fmt.Errorf("title: %w", err))
	}
	if o.Order > Hilbert {
		faults = append(faults, fmt.Errorf("order %d: want RowMajor or Hilbert", o.Order))
	}
	return errors.Join(faults...)
}

// RenderPNG draws every server as a square and writes the picture to w. It draws regions, in them
// data centres, in them clusters, and in them rows, in the order of the topology. Servers that are
// up are blue (pale if squares are tiny), those that are down are vermillion (and crossed if there
// is room), and unknown ones are hatched grey. A cluster of which half or more is down has a
// vermillion border, and a row that is down as a whole has vermillion brackets. The heading names
// such groups. With more servers, squares shrink, down to one pixel. Labels and borders are left
// out if they would take more room than the servers. The picture is at most Width wide and 3 ×
// Width high.
func RenderPNG(w io.Writer, s Snapshot, o PNGOptions) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("draw the heat map: %w", err)
	}
	if err := o.validate(s.Counts().Total()); err != nil {
		return fmt.Errorf("draw the heat map: %w", err)
	}
	return encodePNG(w, s.scene(o.Title), o)
}

func encodePNG(w io.Writer, s *scene, o PNGOptions) error {
	c := newCanvas(s, o)
	c.draw()
	img := c.surface.(*pixels).img
	defer giveBuffer(img.Pix)
	defer giveBuffer(s.inks)
	if err := encodeImage(w, img); err != nil {
		return fmt.Errorf("write the heat map: %w", err)
	}
	return nil
}

// newCanvas lays a scene out on pixels.
func newCanvas(s *scene, o PNGOptions) *canvas {
	l := newLayout(s, o.Width, o.Order)
	l.w = min(max(l.w, s.headingWidth()), o.Width)
	colours := palette
	if l.style.cell <= tinyCell {
		colours = tinyPalette
	}
	return &canvas{surface: newPixels(l.w, l.h, s.inks, colours), layout: l, style: l.style, scene: s}
}
