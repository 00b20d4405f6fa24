package heatmap

// surface is what a picture is drawn on.
type surface interface {
	fill(x, y, w, h int, ink uint8)
	text(x, y, scale int, s string, ink uint8, bold bool)
	squares(f field)
	server(x, y, size int, ink uint8) // one square by itself
}

// field is a row of servers in lines of so many columns. All is in pixels.
type field struct {
	x, y, cell, pitch int
	columns           int
	first, n          int // servers
}

// canvas draws a scene on a surface.
type canvas struct {
	surface
	layout layout
	style  style
	scene  *scene
}

// smallestSign is the smallest square that has a sign.
const smallestSign = 7

// Measures of the heading in pixels.
const (
	legendSquare = 14
	legendGap    = 2 * glyphWidth * 2 // between the parts
)

// width returns the width of the entry, including the gap after it.
func (e entry) width() int { return legendSquare + glyphWidth + textWidth(e.text, 2) + legendGap }

func (s *scene) legendWidth() (w int) {
	for _, e := range s.legend {
		w += e.width()
	}
	return w
}

// headingWidth returns the width that the heading would like to have.
func (s *scene) headingWidth() int {
	return 2*margin + textWidth(s.title, 2) + legendGap + s.legendWidth() + textWidth(s.moment, 2)
}

func (c *canvas) draw() {
	c.heading()
	for i := range c.layout.regions {
		c.region(&c.layout.regions[i])
	}
	for i := range c.layout.centres {
		c.centre(&c.layout.centres[i])
	}
}

// heading draws the title, the legend with counts, the moment, and what is down as a whole. If the
// picture is narrow, it shortens the title and leaves out the moment.
func (c *canvas) heading() {
	s := c.scene
	x, y, end := margin, margin, c.layout.w-margin
	if title := fit(s.title, end-x-legendGap-s.legendWidth(), 2); title != "" {
		c.text(x, y, 2, title, inkText, true)
		x += textWidth(title, 2) + legendGap
	}
	for _, e := range s.legend {
		c.server(x, y, legendSquare, e.ink)
		c.text(x+legendSquare+glyphWidth, y, 2, e.text, inkText, false)
		x += e.width()
	}
	if x+textWidth(s.moment, 2) <= end+glyphWidth {
		c.text(x, y, 2, s.moment, inkMuted, false)
	}
	if c.layout.footer > 0 {
		scale := 2
		if textWidth(s.footer, scale) > end-margin {
			scale = 1
		}
		c.text(margin, margin+headHeight-8, scale, fit(s.footer, end-margin, scale), inkDown, false)
	}
}

// head draws a name and, as far as there is room, how its group fares.
func (c *canvas) head(x, y, end int, g Group) {
	name := fit(g.Name, end-x, 2)
	c.text(x, y, 2, name, inkText, true)
	if name != "" {
		x += textWidth(name, 2) + 2*glyphWidth*2
	}
	parts, _ := c.scene.describe(g)
	for i, part := range parts {
		if i == 0 && x+textWidth(part.text, 2) > end {
			part.text = firstWord(part.text)
		}
		if x+textWidth(part.text, 2) <= end {
			c.text(x, y, 2, part.text, part.ink, false)
			x += textWidth(part.text, 2) + glyphWidth*2
		}
	}
}

// region draws the name of a region above its data centres, and a line.
func (c *canvas) region(b *regionBox) {
	c.head(b.x, b.y, c.layout.w-margin, b.group)
	c.fill(b.x, b.y+regionHead-8, c.layout.w-2*margin, 2, inkText)
}

func (c *canvas) frame(x, y, w, h, thick int, ink uint8) {
	c.fill(x, y, w, thick, ink)
	c.fill(x, y+h-thick, w, thick, ink)
	c.fill(x, y, thick, h, ink)
	c.fill(x+w-thick, y, thick, h, ink)
}

func (c *canvas) centre(b *centreBox) {
	if c.style.detail != flat {
		c.fill(b.x, b.y, b.w, b.h, panel)
		c.frame(b.x, b.y, b.w, b.h, 1, inkLine)
		c.head(b.x+c.style.centrePad, b.y+c.style.centrePad-1, b.x+b.w-c.style.centrePad, b.group)
	}
	for i := range b.clusters {
		c.cluster(&b.clusters[i])
	}
}

func (c *canvas) cluster(b *clusterBox) {
	st := c.style
	parts, bad := c.scene.describe(b.group)
	if st.border > 0 {
		c.fill(b.x, b.y, b.w, b.h, paper)
		if bad {
			c.frame(b.x-1, b.y-1, b.w+2, b.h+2, 2, inkDown)
		} else {
			c.frame(b.x, b.y, b.w, b.h, st.border, inkLine)
		}
	}
	if st.tellsClusters {
		c.clusterHead(b, parts)
	}
	if b.curve != nil {
		c.curve(b)
		return
	}
	y := b.y + st.border + st.pad + st.clusterHead
	for i, row := range b.group.Children {
		bank := i % b.banks
		c.row(b, row, b.x+st.border+st.pad+bank*b.bankPitch(st), y, bad)
		if bank == b.banks-1 {
			y += b.lines(row)*st.pitch + st.rowGap
		}
	}
}

// clusterHead draws the name of a cluster and, if there is room, how many servers are down.
func (c *canvas) clusterHead(b *clusterBox, parts []part) {
	scale, inside := c.style.headScale, c.style.border+c.style.pad
	x, y, room := b.x+inside, b.y+c.style.border+min(c.style.pad, 2*scale), b.w-2*inside
	name := fit(b.group.Name, room, scale)
	c.text(x, y, scale, name, inkText, false)
	if parts[0].ink == inkMuted {
		return
	}
	room -= textWidth(name, scale) + glyphWidth*scale
	for _, text := range []string{parts[0].text, firstWord(parts[0].text)} {
		if w := textWidth(text, scale); w <= room {
			c.text(b.x+b.w-inside-w+scale, y, scale, text, parts[0].ink, false)
			return
		}
	}
}

// row draws a row. Brackets mark one that is down as a whole in a cluster that is not bad itself.
func (c *canvas) row(b *clusterBox, row Group, x, y int, bad bool) {
	st := c.style
	if b.label > 0 {
		c.text(x, y+(st.cell-7*st.scale)/2, st.scale, clipLabel(row.Name), inkMuted, false)
	}
	x += b.label
	c.squares(field{x: x, y: y, cell: st.cell, pitch: st.pitch, columns: b.columns, first: row.First, n: row.Len})
	if bad || row.Len < 2 || st.border == 0 || !c.scene.dead(row) {
		return
	}
	w, h := min(row.Len, b.columns)*st.pitch-(st.pitch-st.cell), b.lines(row)*st.pitch-(st.pitch-st.cell)
	thick := max(st.pad-1, 1)
	for _, left := range []int{x - thick - 1, x + w + 1} {
		if left == x+w+1 && b.banks > 1 {
			return // that is the next row's place
		}
		c.fill(left, y-1, thick, h+2, inkDown)
	}
}
