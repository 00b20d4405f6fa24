package heatmap

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"strconv"
	"time"
)

// Bounds and default of PNGOptions.Width in pixels.
const (
	MinWidth     = 640
	MaxWidth     = 4096
	DefaultWidth = 1200
)

// PNGOptions are options of [RenderPNG]. The zero value is valid.
type PNGOptions struct {
	// greatest width of the picture in pixels, MinWidth to MaxWidth; 0 means DefaultWidth. With few
	// servers the picture is narrower
	Width int
	Title string // start of the heading; at most MaxLabel bytes; may be empty
}

func (o *PNGOptions) validate() error {
	var faults []error
	if o.Width == 0 {
		o.Width = DefaultWidth
	}
	if o.Width < MinWidth || o.Width > MaxWidth {
		faults = append(faults, fmt.Errorf("width %d: want %d to %d pixels", o.Width, MinWidth, MaxWidth))
	}
	if err := checkLabel(o.Title); err != nil {
		faults = append(faults, fmt.Errorf("title: %w", err))
	}
	return errors.Join(faults...)
}

// Colours, as indices into the palette. Blue and vermillion are from Okabe and Ito's palette, which
// nearly everybody can tell apart. In squares that are large enough, a cross and hatching show the
// same by shape.
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
)

var palette = color.Palette{
	paper:      color.RGBA{0xff, 0xff, 0xff, 0xff},
	panel:      color.RGBA{0xf3, 0xf4, 0xf6, 0xff},
	inkLine:    color.RGBA{0xb4, 0xba, 0xc4, 0xff},
	inkText:    color.RGBA{0x1f, 0x24, 0x30, 0xff},
	inkMuted:   color.RGBA{0x5f, 0x67, 0x74, 0xff},
	inkUp:      color.RGBA{0x00, 0x72, 0xb2, 0xff},
	inkDown:    color.RGBA{0xd5, 0x5e, 0x00, 0xff},
	inkUnknown: color.RGBA{0xdd, 0xdf, 0xe4, 0xff},
	inkHatch:   color.RGBA{0x8d, 0x94, 0xa0, 0xff},
}

// RenderPNG draws every server as a square and writes the picture to w. It draws data centres, in
// them clusters, and in them rows, in the order of the topology. Servers that are up are blue,
// those that are down are vermillion (and crossed if there is room), and unknown ones are hatched
// grey. A cluster of which half or more is down has a vermillion border. With more servers, squares
// shrink, down to one pixel. Labels and borders are left out if they would take more room than the
// servers. The picture is at most Width wide and 3 × Width high.
func RenderPNG(w io.Writer, s Snapshot, o PNGOptions) error {
	if err := errors.Join(o.validate(), s.check()); err != nil {
		return fmt.Errorf("draw the heat map: %w", err)
	}
	c := newCanvas(s, o)
	c.heading(o.Title)
	for i := range c.layout.centres {
		c.centre(&c.layout.centres[i])
	}
	// Nine colours take four bits a pixel. The fastest level makes files a quarter larger in
	// half the time.
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(w, c.img); err != nil {
		return fmt.Errorf("write the heat map: %w", err)
	}
	return nil
}

// canvas draws one snapshot.
type canvas struct {
	img      *image.Paletted
	layout   layout
	style    style
	snapshot Snapshot
}

func newCanvas(s Snapshot, o PNGOptions) *canvas {
	l := newLayout(s, o.Width)
	heading := 2*margin + textWidth(o.Title, 2) + legendGap + legendWidth(s) + textWidth(moment(s.Changed), 2)
	l.w = min(max(l.w, heading), o.Width)
	return &canvas{img: image.NewPaletted(image.Rect(0, 0, l.w, l.h), palette), layout: l, style: l.style, snapshot: s}
}

// Measures of the heading in pixels.
const (
	legendSquare = 14
	legendGap    = 2 * glyphWidth * 2 // between the parts
)

// legend is one entry of the legend: a square and a count.
type legend struct {
	state State
	text  string
}

func legends(s Snapshot) (all []legend) {
	n := s.Counts()
	for _, state := range []State{Up, Down, Unknown} {
		all = append(all, legend{state, group3(n.Of(state)) + " " + state.String()})
	}
	return all
}

// width returns the width of the entry, including the gap after it.
func (l legend) width() int { return legendSquare + glyphWidth + textWidth(l.text, 2) + legendGap }

func legendWidth(s Snapshot) (w int) {
	for _, l := range legends(s) {
		w += l.width()
	}
	return w
}

// heading draws the title, the legend with counts, and the time of the last change. If the picture
// is narrow, it shortens the title and leaves out the time.
func (c *canvas) heading(title string) {
	x, y, end := margin, margin, c.img.Rect.Dx()-margin
	if title = fit(title, end-x-legendGap-legendWidth(c.snapshot), 2); title != "" {
		c.bold(x, y, title, inkText)
		x += textWidth(title, 2) + legendGap
	}
	for _, l := range legends(c.snapshot) {
		c.server(x, y, legendSquare, l.state)
		drawText(c.img, x+legendSquare+glyphWidth, y, 2, l.text, inkText)
		x += l.width()
	}
	if at := moment(c.snapshot.Changed); x+textWidth(at, 2) <= end+glyphWidth {
		drawText(c.img, x, y, 2, at, inkMuted)
	}
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("changed 2006-01-02 15:04:05 UTC")
}

func (c *canvas) bold(x, y int, s string, ink uint8) {
	drawText(c.img, x, y, 2, s, ink)
	drawText(c.img, x+1, y, 2, s, ink)
}

func (c *canvas) centre(b *centreBox) {
	if c.style.detail != flat {
		fill(c.img, b.x, b.y, b.w, b.h, panel)
		frame(c.img, b.x, b.y, b.w, b.h, 1, inkLine)
		c.centreHead(b)
	}
	for i := range b.clusters {
		c.cluster(&b.clusters[i])
	}
}

// centreHead draws the name and, as far as there is room, the counts of a data centre.
func (c *canvas) centreHead(b *centreBox) {
	x, y, end := b.x+c.style.centrePad, b.y+c.style.centrePad-1, b.x+b.w-c.style.centrePad
	name := fit(b.group.Name, end-x, 2)
	c.bold(x, y, name, inkText)
	if name != "" {
		x += textWidth(name, 2) + 2*glyphWidth*2
	}
	n := c.snapshot.CountGroup(b.group)
	for _, part := range []struct {
		text string
		ink  uint8
		show bool
	}{
		{group3(n.Down) + " down", inkDown, n.Down > 0},
		{group3(n.Unknown) + " unknown", inkMuted, n.Unknown > 0},
		{"of " + group3(n.Total()), inkMuted, n.Up < n.Total()},
		{group3(n.Total()) + " up", inkMuted, n.Up == n.Total()},
	} {
		if part.show && x+textWidth(part.text, 2) <= end {
			drawText(c.img, x, y, 2, part.text, part.ink)
			x += textWidth(part.text, 2) + glyphWidth*2
		}
	}
}

func (c *canvas) cluster(b *clusterBox) {
	st := c.style
	n := c.snapshot.CountGroup(b.group)
	if st.border > 0 {
		fill(c.img, b.x, b.y, b.w, b.h, paper)
		if 2*n.Down >= n.Total() {
			frame(c.img, b.x-1, b.y-1, b.w+2, b.h+2, 2, inkDown)
		} else {
			frame(c.img, b.x, b.y, b.w, b.h, st.border, inkLine)
		}
	}
	if st.tellsClusters {
		c.clusterHead(b, n)
	}
	y := b.y + st.border + st.pad + st.clusterHead
	for i, row := range b.group.Children {
		bank := i % b.banks
		c.row(b, row, b.x+st.border+st.pad+bank*b.bankPitch(st), y)
		if bank == b.banks-1 {
			y += b.lines(row)*st.pitch + st.rowGap
		}
	}
}

// clusterHead draws the name of a cluster and, if there is room, how many servers are down.
func (c *canvas) clusterHead(b *clusterBox, n Counts) {
	scale, inside := c.style.headScale, c.style.border+c.style.pad
	x, y, room := b.x+inside, b.y+inside, b.w-2*inside
	name := fit(b.group.Name, room, scale)
	drawText(c.img, x, y, scale, name, inkText)
	if n.Down == 0 {
		return
	}
	room -= textWidth(name, scale) + glyphWidth*scale
	for _, text := range []string{group3(n.Down) + " down", group3(n.Down)} {
		if w := textWidth(text, scale); w <= room {
			drawText(c.img, b.x+b.w-inside-w+scale, y, scale, text, inkDown)
			return
		}
	}
}

func (c *canvas) row(b *clusterBox, row Group, x, y int) {
	st := c.style
	if b.label > 0 {
		drawText(c.img, x, y+(st.cell-7*st.scale)/2, st.scale, clipLabel(row.Name), inkMuted)
	}
	x += b.label
	for i := range row.Len {
		c.server(x+i%b.columns*st.pitch, y+i/b.columns*st.pitch, st.cell, c.snapshot.State(row.First+i))
	}
}

// server draws the square of one server.
func (c *canvas) server(x, y, size int, s State) {
	switch s {
	case Up:
		fill(c.img, x, y, size, size, inkUp)
	case Down:
		fill(c.img, x, y, size, size, inkDown)
		if size >= 7 {
			c.cross(x, y, size)
		}
	default:
		fill(c.img, x, y, size, size, inkUnknown)
		for i := range size * size {
			if px, py := x+i%size, y+i/size; (px+py)%4 == 0 {
				fill(c.img, px, py, 1, 1, inkHatch)
			}
		}
	}
}

// cross draws both diagonals of a square, away from its edge.
func (c *canvas) cross(x, y, size int) {
	edge, thick := size/4, max(1, size/8)
	for i := edge; i <= size-edge-thick; i++ {
		fill(c.img, x+i, y+i, thick, thick, paper)
		fill(c.img, x+size-thick-i, y+i, thick, thick, paper)
	}
}

// group3 formats a number with commas between thousands.
func group3(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
