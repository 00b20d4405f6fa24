package heatmap

import "math"

// detail is how much is drawn around the servers, the most first.
type detail int

const (
	allDetail   detail = iota // borders and labels of data centres, clusters and rows
	clusterless               // no labels of clusters and rows
	borderless                // gaps in place of the clusters' borders
	centresOnly               // each data centre is one field of servers in order
	flat                      // no groups: one field of servers in order
	details
)

const (
	largestCell = 24
	margin      = 12     // around the picture
	headHeight  = 34     // the heading with its legend
	footHeight  = 26     // the line that tells what is down as a whole
	regionHead  = 30     // the name of a region, and a line below it
	maxBoxes    = 50_000 // clusters or data centres; with more there is nothing to tell apart
	maxLabel    = 8      // characters of a row's label

	centreAspect = 1.8 // width of a data centre by its height
)

// style holds the measures, in pixels, that depend on the size of a server's square and the detail.
type style struct {
	detail        detail
	cell, pitch   int // a server's square; from one to the next
	rowGap        int // between rows
	pad           int // between a cluster's border and its servers
	border        int // of a cluster
	gap           int // between clusters, and between data centres
	shortest      int // a row of so many servers is not folded
	scale         int // of rows' labels
	headScale     int // of clusters' labels
	clusterHead   int // height of a cluster's label
	centrePad     int // between a data centre's border and its clusters
	centreHead    int // height of a data centre's label
	rowLabels     bool
	tellsClusters bool // labels of clusters are drawn
}

func newStyle(cell int, d detail) style {
	s := style{detail: d, cell: cell, pitch: cell + 1, rowGap: max(1, cell/4), pad: 3, border: 1, gap: 6, shortest: 20, scale: 1, headScale: 1, centrePad: 8, centreHead: 22}
	switch {
	case cell <= 2:
		s.pitch, s.rowGap, s.gap = cell, 0, 4
	case cell >= 12:
		s.pitch, s.scale, s.pad, s.gap = cell+2, 2, 6, 10
	}
	if cell >= 6 {
		s.headScale = 2
	}
	switch d {
	case allDetail:
		s.tellsClusters = true
		s.clusterHead = (glyphHeight + 1) * s.headScale
		s.rowLabels = cell >= glyphLine
	case borderless:
		s.border, s.pad, s.gap, s.shortest = 0, 0, max(2, cell/2), 1
	case centresOnly:
		s.border, s.pad = 0, 0
	case flat:
		s.border, s.pad, s.centrePad, s.centreHead = 0, 0, 0, 0
	}
	return s
}

// regionBox is where the name of a region is drawn, above its data centres.
type regionBox struct {
	x, y  int
	group Group
}

// centreBox is where a data centre is drawn. Its width and height include its border.
type centreBox struct {
	x, y, w, h int
	group      Group
	clusters   []clusterBox
}

// clusterBox is where a cluster is drawn, its border included.
type clusterBox struct {
	x, y, w, h int
	group      Group
	columns    int    // servers in a line
	banks      int    // rows side by side
	label      int    // width of the rows' labels
	curve      *curve // the way through the servers; nil for rows
}

// layout is a whole picture.
type layout struct {
	style   style
	w, h    int
	footer  int // height of the line that tells what is down as a whole; 0 for none
	regions []regionBox
	centres []centreBox
}

// newLayout finds the layout with the largest squares that fit a width. It reduces the detail only
// if this makes the squares much larger, or if nothing else fits.
func newLayout(s *scene, width int, order Order) layout {
	p := planner{scene: s, width: width, order: order}
	if order == Hilbert {
		if l := p.largest(centresOnly); l.style.cell > 0 {
			return l
		}
		return p.largest(flat)
	}
	var best [details]layout
	largest := 0
	for d := range details {
		best[d] = p.largest(d)
		largest = max(largest, best[d].style.cell)
	}
	for d := range details {
		cell := best[d].style.cell
		// bare: more border than servers
		bare := d == clusterless && cell < 3
		if times := enough(d); cell > 0 && times*cell >= largest && !bare {
			return best[d]
		}
	}
	return best[flat]
}

// enough returns how many times smaller than possible the squares may be at a detail.
func enough(d detail) int {
	if d == allDetail {
		return 3 // labels tell more than large squares do
	}
	return 2
}

// planner tries layouts of one scene.
type planner struct {
	scene *scene
	width int
	order Order
}

// groupsFor returns the tree to draw at a detail, or nil if it has too many groups.
func (p *planner) groupsFor(d detail) []Group {
	all := p.scene.regions
	if len(all) == 0 {
		return nil
	}
	if d == flat {
		last := all[len(all)-1]
		g := Group{First: all[0].First, Len: last.First + last.Len - all[0].First}
		return []Group{{First: g.First, Len: g.Len, Children: []Group{field1(g)}}}
	}
	centres, clusters := 0, 0
	for _, r := range all {
		centres += len(r.Children)
		for _, c := range r.Children {
			clusters += len(c.Children)
		}
	}
	switch {
	case centres > maxBoxes || d != centresOnly && clusters > maxBoxes:
		return nil
	case d != centresOnly:
		return all
	}
	regions := make([]Group, len(all))
	for i, r := range all {
		regions[i] = r
		regions[i].Children = make([]Group, len(r.Children))
		for j, c := range r.Children {
			regions[i].Children[j] = field1(c)
		}
	}
	return regions
}

// field1 returns a data centre as a single cluster that is a single row.
func field1(centre Group) Group {
	row := Group{First: centre.First, Len: centre.Len}
	cluster := row
	cluster.Children = []Group{row}
	centre.Children = []Group{cluster}
	return centre
}

// largest returns the layout with the largest squares at a detail. Its cell is 0 if not even one
// pixel per server fits, or if there is nothing to draw. A flat layout always fits.
func (p *planner) largest(d detail) layout {
	regions := p.groupsFor(d)
	if len(regions) == 0 && d != flat {
		return layout{}
	}
	servers := 0
	for _, r := range regions {
		servers += r.Len
	}
	for cell := largestCell; cell > 0; cell-- {
		most := highest(cell, p.width, d)
		if servers*cell*cell > p.width*most {
			continue // the squares alone need more
		}
		if l, ok := p.layOut(regions, newStyle(cell, d), most); ok {
			return l
		}
	}
	return layout{}
}

// highest returns the greatest height of a picture before smaller squares or less detail are tried.
func highest(cell, width int, d detail) int {
	switch {
	case cell == 1:
		return width * 3 // MaxServers fit into MinWidth × 3 × MinWidth, the heading included
	case cell == 2, d == allDetail:
		return width * 5 / 4
	}
	return width * 3 / 4 // what a screen shows without scrolling
}

// layOut places regions below each other and their data centres side by side in lines, from the
// top, in a picture as wide and high as they need.
func (p *planner) layOut(regions []Group, st style, most int) (layout, bool) {
	l := layout{style: st}
	y := margin + headHeight
	if p.scene.footer != "" {
		l.footer = footHeight
		y += footHeight
	}
	for i, r := range regions {
		if r.Name != "" && st.detail != flat {
			if i > 0 {
				y += margin
			}
			l.regions = append(l.regions, regionBox{x: margin, y: y, group: r})
			y += regionHead
		}
		var ok bool
		if y, ok = p.placeRegion(&l, r, y, most); !ok {
			return l, false
		}
	}
	l.h = y + margin
	return l, true
}

// placeRegion places the data centres of a region from y on, and returns where they end.
func (p *planner) placeRegion(l *layout, r Group, y, most int) (end int, ok bool) {
	st, x, line := l.style, margin, 0
	for _, c := range r.Children {
		box, ok := p.placeCentre(c, st, p.width-2*margin, most)
		if !ok {
			return 0, false
		}
		if x > margin && x+box.w > p.width-margin {
			x, y, line = margin, y+line+st.gap+2, 0
		}
		box.moveTo(x, y)
		l.centres = append(l.centres, box)
		x, line = x+box.w+st.gap+2, max(line, box.h)
		l.w = max(l.w, box.x+box.w+margin)
		if y+line > most {
			return 0, false
		}
	}
	return y + line, true
}

// placeCentre places the clusters of a data centre side by side in lines, such that the box is
// pleasantly wide. Positions are relative to the corner of the data centre.
func (p *planner) placeCentre(g Group, st style, width, most int) (centreBox, bool) {
	inside := st.centrePad
	box := centreBox{group: g, clusters: make([]clusterBox, 0, len(g.Children))}
	area, widest := 0, 0
	for _, c := range g.Children {
		cluster, ok := p.measure(c, st, width-2*inside)
		if !ok {
			return box, false
		}
		area += (cluster.w + st.gap) * (cluster.h + st.gap)
		widest = max(widest, cluster.w)
		box.clusters = append(box.clusters, cluster)
	}
	if area > width*most {
		return box, false
	}
	edge := inside + max(widest, min(width-2*inside, int(math.Sqrt(centreAspect*float64(area)))))
	x, y, line := inside, inside+st.centreHead, 0
	for i := range box.clusters {
		c := &box.clusters[i]
		if x > inside && x+c.w > edge {
			x, y, line = inside, y+line+st.gap, 0
		}
		c.x, c.y = x, y
		x, line = x+c.w+st.gap, max(line, c.h)
		box.w = max(box.w, c.x+c.w+inside)
	}
	if st.centreHead > 0 {
		box.w = max(box.w, min(width, textWidth(centreLabel(g)+"  00,000 down", 2)+2*inside))
	}
	box.h = y + line + inside
	return box, true
}

func (b *centreBox) moveTo(x, y int) {
	b.x, b.y = x, y
	for i := range b.clusters {
		b.clusters[i].x += x
		b.clusters[i].y += y
	}
}

// measure determines how large a cluster is.
func (p *planner) measure(g Group, st style, width int) (box clusterBox, ok bool) {
	if p.order == Hilbert {
		return measureCurve(g, st, width)
	}
	return measureCluster(g, st, width)
}

// measureCluster determines how the rows of a cluster are folded and how large the cluster is. ok
// is false if a single server is too wide.
func measureCluster(g Group, st style, width int) (box clusterBox, ok bool) {
	box = clusterBox{group: g}
	longest := 0
	for _, r := range g.Children {
		longest = max(longest, r.Len)
		if st.rowLabels && r.Name != "" {
			box.label = max(box.label, textWidth(clipLabel(r.Name), st.scale)+2*st.scale)
		}
	}
	around := 2 * (st.border + st.pad)
	room := (width - around - box.label + st.pitch - st.cell) / st.pitch
	if room < 1 {
		return box, false
	}
	square := int(math.Ceil(math.Sqrt(1.6 * float64(g.Len)))) // columns of a pleasant field
	box.columns, box.banks = min(longest, room), 1
	if alone := len(g.Children) == 1; alone || longest > 4*square {
		box.columns = min(box.columns, max(square, st.shortest))
	}
	if longest <= box.columns {
		most := (width - around + st.bankGap()) / box.bankPitch(st)
		box.banks = max(1, min(square/longest, len(g.Children), most))
	}
	box.w = around + box.banks*box.bankPitch(st) - st.bankGap()
	box.h = around + st.clusterHead + box.rowsHeight(st)
	if st.tellsClusters {
		box.w = max(box.w, min(width, textWidth(clipCluster(g.Name), st.headScale)+around))
	}
	return box, true
}

func (st style) bankGap() int { return st.rowGap + st.pitch - st.cell }

// bankPitch returns the distance from one row to the one beside it.
func (b *clusterBox) bankPitch(st style) int {
	return b.label + b.columns*st.pitch - (st.pitch - st.cell) + st.bankGap()
}

// lines returns the number of lines that a row is folded into.
func (b *clusterBox) lines(row Group) int { return (row.Len + b.columns - 1) / b.columns }

func (b *clusterBox) rowsHeight(st style) int {
	h := -st.rowGap - (st.pitch - st.cell)
	for i := 0; i < len(b.group.Children); i += b.banks {
		h += b.lines(b.group.Children[i])*st.pitch + st.rowGap
	}
	return h
}

// clipLabel shortens the label of a row.
func clipLabel(s string) string { return fit(s, maxLabel*glyphWidth, 1) }

// clipCluster shortens the name of a cluster to the length that its box may grow for.
func clipCluster(s string) string { return fit(s, 2*maxLabel*glyphWidth, 1) }

func centreLabel(g Group) string {
	if g.Name == "" {
		return ""
	}
	return fit(g.Name, 4*maxLabel*glyphWidth, 1)
}
