package heatmap

import "math"

// curve is a generalised Hilbert curve: a path through all cells of a rectangle of any size. Each
// step goes to a neighbour, and cells that are close on the path are close in the rectangle. It
// follows Jakub Červený's "gilbert" (github.com/jakubcerveny/gilbert, 2018). The first n cells are
// used.
type curve struct{ columns, lines, n int }

// newCurve returns a curve of n cells, in a rectangle of at most so many columns.
func newCurve(n, most int) curve {
	columns := min(int(math.Ceil(math.Sqrt(1.6*float64(n)))), most)
	return curve{columns, (n + columns - 1) / columns, n}
}

// each calls do for each used cell in the order of the path, which begins at 0, 0.
func (c curve) each(do func(i, x, y int)) {
	w := walk{n: c.n, do: do}
	switch {
	case c.n == 0:
	case c.columns >= c.lines:
		w.rectangle(vector{}, vector{c.columns, 0}, vector{0, c.lines})
	default:
		w.rectangle(vector{}, vector{0, c.lines}, vector{c.columns, 0})
	}
}

// vector is a number of cells in both directions. Those along an edge are parallel to an axis.
type vector struct{ x, y int }

func (v vector) plus(w vector) vector  { return vector{v.x + w.x, v.y + w.y} }
func (v vector) minus(w vector) vector { return vector{v.x - w.x, v.y - w.y} }
func (v vector) half() vector          { return vector{v.x / 2, v.y / 2} }

// length returns the length of a vector along an edge.
func (v vector) length() int { return max(v.x, -v.x) + max(v.y, -v.y) }

// step returns the vector of length 1 in the direction of v.
func (v vector) step() vector {
	n := v.length()
	return vector{v.x / n, v.y / n}
}

// walk is the state of a walk along a curve.
type walk struct {
	i, n int
	do   func(i, x, y int)
}

// rectangle walks through the rectangle with a corner at p and the edges a and b, mainly along a.
func (w *walk) rectangle(p, a, b vector) {
	if w.i >= w.n {
		return
	}
	width, height := a.length(), b.length()
	switch {
	case height == 1:
		w.line(p, a.step(), width)
		return
	case width == 1:
		w.line(p, b.step(), height)
		return
	}
	a1, b1 := a.half(), b.half()
	if 2*width > 3*height { // long: two parts, of which the first has an even length
		if a1.length()%2 != 0 && width > 2 {
			a1 = a1.plus(a.step())
		}
		w.rectangle(p, a1, b)
		w.rectangle(p.plus(a1), a.minus(a1), b)
		return
	}
	if b1.length()%2 != 0 && height > 2 {
		b1 = b1.plus(b.step())
	}
	w.rectangle(p, b1, a1)
	w.rectangle(p.plus(b1), a, b.minus(b1))
	last := p.plus(a.minus(a.step())).plus(b1.minus(b.step()))
	w.rectangle(last, vector{}.minus(b1), a1.minus(a))
}

func (w *walk) line(p, step vector, n int) {
	for range min(n, w.n-w.i) {
		w.do(w.i, p.x, p.y)
		w.i++
		p = p.plus(step)
	}
}

// measureCurve determines how large a data centre is as a field along a curve.
func measureCurve(g Group, st style, width int) (box clusterBox, ok bool) {
	around := 2 * (st.border + st.pad)
	room := (width - around) / st.pitch
	if room < 1 {
		return box, false
	}
	c := newCurve(g.Len, room)
	box = clusterBox{group: g, columns: c.columns, banks: 1, curve: &c}
	box.w, box.h = around+c.columns*st.pitch, around+c.lines*st.pitch
	return box, true
}

// curve draws the servers of a box along its curve.
func (c *canvas) curve(b *clusterBox) {
	st := c.style
	left, top := b.x+st.border+st.pad, b.y+st.border+st.pad
	b.curve.each(func(i, x, y int) {
		c.squares(field{x: left + x*st.pitch, y: top + y*st.pitch, cell: st.cell, pitch: st.pitch, columns: 1, first: b.group.First + i, n: 1})
	})
}
