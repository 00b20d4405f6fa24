package heatmap

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// TextOptions are options of [RenderText]. The zero value is valid.
type TextOptions struct {
	Columns int // width of the terminal, 40 to 1000; 0 means 80
	// most characters for all servers together; with more servers, one character stands for
	// several; 0 means 4000
	MaxCells int
	Colour   bool      // ANSI colours (the 256-colour codes)
	Style    TextStyle // of the servers; the zero value is Blocks
}

func (o *TextOptions) validate() error {
	var faults []error
	if o.Columns == 0 {
		o.Columns = 80
	}
	if o.Columns < 40 || o.Columns > 1000 {
		faults = append(faults, fmt.Errorf("columns %d: want 40 to 1000", o.Columns))
	}
	if o.MaxCells == 0 {
		o.MaxCells = 4000
	}
	if o.MaxCells < 0 {
		faults = append(faults, fmt.Errorf("cells %d: must be positive", o.MaxCells))
	}
	if o.Style > Emoji {
		faults = append(faults, fmt.Errorf("style %d: want Blocks, HalfBlocks or Emoji", o.Style))
	}
	return errors.Join(faults...)
}

// Characters for one server or for several.
const (
	cellUp      = '█'
	cellDown    = '✗'
	cellUnknown = '·'
	cellSome    = '▒' // several servers, some of which are down
)

// Escape sequences of the colours nearest to those of the pictures.
const (
	ansiUp    = "\x1b[38;5;32m"
	ansiDown  = "\x1b[38;5;166m"
	ansiMuted = "\x1b[38;5;245m"
	ansiBold  = "\x1b[1m"
	ansiReset = "\x1b[0m"
)

const (
	longestName  = 20  // characters of a name that are shown; fewer on a narrow terminal
	manyClusters = 200 // with more clusters in a data centre, those without a fault share one line
)

// RenderText writes the servers to w for a terminal, with one character for each: █ up, ✗ down, ·
// unknown; ▒ stands for several servers some of which are down. Each line has the name of a
// cluster, how many of its servers are up, and its rows, each after its name. If a character stands
// for several servers, rows are not shown separately. In a data centre with more than 200 clusters,
// only those with a fault are drawn. Other styles draw the servers below the name of their cluster.
// The output ends with a line break.
func RenderText(w io.Writer, s Snapshot, o TextOptions) error {
	if err := errors.Join(o.validate(), s.check()); err != nil {
		return fmt.Errorf("draw the heat map: %w", err)
	}
	n := s.Counts().Total()
	t := &textCanvas{w: bufio.NewWriter(w), snapshot: s, options: o, per: max(1, (n+o.MaxCells-1)/o.MaxCells)}
	t.heading()
	for _, region := range s.regions() {
		t.region(region)
		for _, centre := range region.Children {
			t.centre(centre)
		}
	}
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("write the heat map: %w", err)
	}
	return nil
}

// textCanvas draws one snapshot. The writer w keeps errors until Flush.
type textCanvas struct {
	w        *bufio.Writer
	snapshot Snapshot
	options  TextOptions
	per      int // servers per character
	indent   int // indentation of lines of servers, except for the first of a cluster
	column   int // of the cursor, from 0
}

func (t *textCanvas) heading() {
	n := t.snapshot.Counts()
	signs := [...]rune{cellUp, cellDown, cellUnknown}
	if t.options.Style == Emoji {
		signs = [...]rune{emojiUp, emojiDown, emojiUnknown}
	}
	t.write(ansiBold, plural(n.Total(), "server"))
	t.write("", fmt.Sprintf("  %c %s up", signs[0], group3(n.Up)), fmt.Sprintf("  %c %s down", signs[1], group3(n.Down)),
		fmt.Sprintf("  %c %s unknown", signs[2], group3(n.Unknown)))
	t.newLine()
	if at := moment(t.snapshot.Changed); at != "" {
		t.write(ansiMuted, at)
		t.newLine()
	}
	if t.per > 1 {
		t.write(ansiMuted, fmt.Sprintf("one character stands for up to %s servers, %c for some of them down", group3(t.per), cellSome))
		t.newLine()
	}
}

func (t *textCanvas) region(g Group) {
	if g.Name == "" {
		return
	}
	t.newLine()
	t.write(ansiBold, strings.ToUpper(t.shorten(g.Name)), "  ")
	t.fares(g)
}

// fares ends a line with how many servers of a group are down.
func (t *textCanvas) fares(g Group) {
	n := t.snapshot.CountGroup(g)
	if n.Down > 0 {
		t.write(ansiDown, group3(n.Down)+" down", " of ")
	}
	t.write(ansiMuted, plural(n.Total(), "server"))
	t.newLine()
}

func (t *textCanvas) centre(g Group) {
	t.newLine()
	if g.Name != "" {
		t.write(ansiBold, t.shorten(g.Name), "  ")
	}
	t.fares(g)
	name, counts := 0, 0
	for _, c := range g.Children {
		name = max(name, utf8.RuneCountInString(t.shorten(c.Name)))
		counts = max(counts, len(ratio(t.snapshot.CountGroup(c))))
	}
	if name > 0 {
		name += 2
	}
	t.indent = 2 + name + counts + 2
	sound := 0
	for _, c := range g.Children {
		if n := t.snapshot.CountGroup(c); len(g.Children) > manyClusters && n.Up == n.Total() {
			sound++
			continue
		}
		t.cluster(c, name, counts)
	}
	if sound > 0 {
		t.write(ansiMuted, "  "+plural(sound, "cluster")+" without fault")
		t.newLine()
	}
}

func (t *textCanvas) cluster(g Group, name, counts int) {
	n := t.snapshot.CountGroup(g)
	t.write("", "  ", pad(t.shorten(g.Name), name))
	ink := ansiMuted
	if n.Down > 0 {
		ink = ansiDown
	}
	text := ratio(n)
	t.write(ink, strings.Repeat(" ", counts-len(text))+text, "  ")
	switch {
	case t.options.Style == HalfBlocks:
		t.halfBlocks(g)
	case t.options.Style == Emoji:
		t.emoji(g)
	case t.per > 1:
		t.cells(g)
	default:
		for i, row := range g.Children {
			t.row(row, i == 0)
		}
	}
	t.newLine()
}

// row writes a row. It starts a new line if the row fits there and not on the present one.
func (t *textCanvas) row(g Group, first bool) {
	name := t.shorten(g.Name)
	label := utf8.RuneCountInString(name)
	if label > 0 {
		label++
	}
	switch room := t.options.Columns - t.column; {
	case first && label >= room, !first && 2+label+g.Len > room:
		t.wrap()
	case !first:
		t.write("", "  ")
	}
	if label > 0 {
		t.write(ansiMuted, name, " ")
	}
	t.cells(g)
}

// cells writes the servers of a group and breaks lines at the edge of the terminal. Servers in a
// row with the same colour share their escape sequences.
func (t *textCanvas) cells(g Group) {
	var run []rune
	flush := func() {
		if len(run) > 0 {
			t.write(ansiOf(run[0]), string(run))
			run = run[:0]
		}
	}
	for i := 0; i < g.Len; i += t.per {
		cell := t.cell(Group{First: g.First + i, Len: min(t.per, g.Len-i)})
		if len(run) > 0 && ansiOf(run[0]) != ansiOf(cell) {
			flush()
		}
		if t.column+len(run) >= t.options.Columns {
			flush()
			t.wrap()
		}
		run = append(run, cell)
	}
	flush()
}

func (t *textCanvas) cell(g Group) rune {
	switch n := t.snapshot.CountGroup(g); {
	case n.Down == g.Len:
		return cellDown
	case n.Down > 0:
		return cellSome
	case n.Up > 0:
		return cellUp
	}
	return cellUnknown
}

func ansiOf(cell rune) string {
	switch cell {
	case cellUp:
		return ansiUp
	case cellUnknown:
		return ansiMuted
	}
	return ansiDown
}

// write writes the texts, the first of them in a colour.
func (t *textCanvas) write(ink string, texts ...string) {
	for i, text := range texts {
		coloured := t.options.Colour && ink != "" && i == 0
		if coloured {
			_, _ = t.w.WriteString(ink)
		}
		_, _ = t.w.WriteString(text)
		if coloured {
			_, _ = t.w.WriteString(ansiReset)
		}
		t.column += utf8.RuneCountInString(text)
	}
}

func (t *textCanvas) newLine() {
	_ = t.w.WriteByte('\n')
	t.column = 0
}

func (t *textCanvas) wrap() {
	t.newLine()
	indent := min(t.indent, t.options.Columns/2)
	t.write("", strings.Repeat(" ", indent))
}

// ratio formats how many servers are up, such as "19/20".
func ratio(n Counts) string { return group3(n.Up) + "/" + group3(n.Total()) }

func (t *textCanvas) shorten(s string) string {
	runes, most := []rune(s), min(longestName, t.options.Columns/4)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return group3(n) + " " + word + "s"
}
