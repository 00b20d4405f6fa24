package heatmap

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"image/color"
	"io"
	"strconv"
	"strings"
)

// MaxSVG is the most servers that [RenderSVG] draws.
const MaxSVG = 10_000

// RenderSVG draws the picture of [RenderPNG] as an SVG image, in which each server's square tells
// the server's name and state when pointed at. It returns an error that wraps [ErrLength] for more
// than [MaxSVG] servers, for which an image of elements is too slow to show.
func RenderSVG(w io.Writer, s Snapshot, o PNGOptions) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("draw the heat map: %w", err)
	}
	n := s.Counts().Total()
	if err := o.validate(n); err != nil {
		return fmt.Errorf("draw the heat map: %w", err)
	}
	if n > MaxSVG {
		return fmt.Errorf("draw the heat map: %d servers, at most %d as SVG: %w; draw a part of them, or a PNG", n, MaxSVG, ErrLength)
	}
	scene := s.scene(o.Title)
	l := newLayout(scene, o.Width, o.Order)
	l.w = min(max(l.w, scene.headingWidth()), o.Width)
	v := &vectors{w: bufio.NewWriter(w), snapshot: s, inks: scene.inks}
	v.begin(l, scene)
	c := &canvas{surface: v, layout: l, style: l.style, scene: scene}
	c.draw()
	v.printf("</svg>\n")
	if err := v.w.Flush(); err != nil {
		return fmt.Errorf("write the heat map: %w", err)
	}
	return nil
}

// vectors is a surface of SVG elements. The writer w keeps errors until Flush.
type vectors struct {
	w        *bufio.Writer
	snapshot Snapshot
	inks     []uint8
}

func (v *vectors) printf(format string, args ...any) { _, _ = fmt.Fprintf(v.w, format, args...) }

// begin writes the head: a class per colour, the shape of each sign, and the paper. It needs no
// font but a monospaced one, and no script.
func (v *vectors) begin(l layout, s *scene) {
	v.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="ui-monospace, monospace">`+"\n",
		l.w, l.h, l.w, l.h)
	v.printf("<title>%s</title>\n<style>", escaped(strings.TrimSpace(s.title+" heat map")))
	for ink, c := range palette[:inks] {
		rgb := color.RGBAModel.Convert(c).(color.RGBA)
		v.printf(".c%d{fill:#%02x%02x%02x}", ink, rgb.R, rgb.G, rgb.B)
	}
	v.printf("</style>\n" + `<defs><pattern id="h" width="4" height="4" patternUnits="userSpaceOnUse"><path d="M0 4L4 0" stroke="#8d94a0"/></pattern>` +
		`<symbol id="x" viewBox="0 0 8 8"><path d="M2 2L6 6M6 2L2 6" stroke="#fff"/></symbol></defs>` + "\n")
	v.fill(0, 0, l.w, l.h, paper)
}

func (v *vectors) fill(x, y, w, h int, ink uint8) {
	v.printf(`<rect class="c%d" x="%d" y="%d" width="%d" height="%d"/>`+"\n", ink, x, y, w, h)
}

// text writes s with the font's width, whatever font the viewer has.
func (v *vectors) text(x, y, scale int, s string, ink uint8, bold bool) {
	if s == "" {
		return
	}
	weight := ""
	if bold {
		weight = ` font-weight="bold"`
	}
	v.printf(`<text class="c%d" x="%d" y="%d" font-size="%d" textLength="%d"%s>%s</text>`+"\n",
		ink, x, y+7*scale, 10*scale, textWidth(s, scale)-scale, weight, escaped(s))
}

func (v *vectors) squares(f field) {
	for i := range f.n {
		server := f.first + i
		v.printf("<g>")
		if name := v.nameOf(server); name != "" {
			v.printf("<title>%s</title>", escaped(name))
		}
		v.server(f.x+i%f.columns*f.pitch, f.y+i/f.columns*f.pitch, f.cell, v.inks[server])
		v.printf("</g>\n")
	}
}

func (v *vectors) nameOf(server int) string {
	state := v.snapshot.State(server).String()
	if v.snapshot.Topology == nil {
		return strconv.Itoa(server) + ": " + state
	}
	return v.snapshot.Topology.Server(server).Name + ": " + state
}

func (v *vectors) server(x, y, size int, ink uint8) {
	v.fill(x, y, size, size, ink)
	switch {
	case ink == inkUnknown:
		v.printf(`<rect fill="url(#h)" x="%d" y="%d" width="%d" height="%d"/>`, x, y, size, size)
	case (ink == inkDown || ink == inkStillDown) && size >= smallestSign:
		v.printf(`<use href="#x" x="%d" y="%d" width="%d" height="%d"/>`, x, y, size, size)
	}
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}
