package heatmap

import "fmt"

// TextStyle is how [RenderText] draws servers.
type TextStyle uint8

// The styles.
const (
	Blocks TextStyle = iota // one character for each server, with the names of rows
	// two rows of servers in each line of text, above each other. Without colours, only servers
	// that are up are visible
	HalfBlocks
	Emoji // a coloured square for each server, and a line of text for each row
)

// Characters of the styles besides those of Blocks.
const (
	upperHalf, lowerHalf = '▀', '▄'

	emojiUp      = '🟦'
	emojiDown    = '🟧'
	emojiSome    = '🟨'
	emojiUnknown = '⬜'
)

const fieldIndent = 4 // of the lines below a cluster's name

// fieldLines returns the cells of a cluster in lines that fit the terminal, each row from a new
// line on. Each cell is one of the characters of Blocks.
func (t *textCanvas) fieldLines(g Group, width int) (lines [][]rune) {
	rows := g.Children
	if t.per > 1 {
		rows = []Group{{First: g.First, Len: g.Len}}
	}
	for _, row := range rows {
		var line []rune
		for i := 0; i < row.Len; i += t.per {
			if len(line) == width {
				lines, line = append(lines, line), nil
			}
			line = append(line, t.cell(Group{First: row.First + i, Len: min(t.per, row.Len-i)}))
		}
		lines = append(lines, line)
	}
	return lines
}

// halfBlocks writes a cluster's lines, two in each line of text.
func (t *textCanvas) halfBlocks(g Group) {
	lines := t.fieldLines(g, t.options.Columns-fieldIndent)
	for i := 0; i < len(lines); i += 2 {
		upper, lower := lines[i], []rune(nil)
		if i+1 < len(lines) {
			lower = lines[i+1]
		}
		t.newLine()
		t.write("", fmt.Sprintf("%*s", fieldIndent, ""))
		for x := range max(len(upper), len(lower)) {
			t.halves(at(upper, x), at(lower, x))
		}
	}
}

// at returns cell x of a line, or 0 beyond its end.
func at(line []rune, x int) rune {
	if x < len(line) {
		return line[x]
	}
	return 0
}

// halves writes two cells, one above the other. 0 is no cell.
func (t *textCanvas) halves(upper, lower rune) {
	if !t.options.Colour {
		switch {
		case upper == cellUp && lower == cellUp:
			t.write("", string(cellUp))
		case upper == cellUp:
			t.write("", string(upperHalf))
		case lower == cellUp:
			t.write("", string(lowerHalf))
		default:
			t.write("", " ")
		}
		return
	}
	switch {
	case upper == 0:
		t.write(foreground(lower), string(lowerHalf))
	case lower == 0:
		t.write(foreground(upper), string(upperHalf))
	default:
		t.write(foreground(upper)+background(lower), string(upperHalf))
	}
}

// colourOf returns a cell's number among the 256 colours.
func colourOf(cell rune) int {
	switch cell {
	case cellUp:
		return 32
	case cellUnknown:
		return 245
	case cellSome:
		return 214
	}
	return 166
}

func foreground(cell rune) string { return fmt.Sprintf("\x1b[38;5;%dm", colourOf(cell)) }
func background(cell rune) string { return fmt.Sprintf("\x1b[48;5;%dm", colourOf(cell)) }

// emoji writes a cluster's lines, each character of which takes two columns.
func (t *textCanvas) emoji(g Group) {
	for _, line := range t.fieldLines(g, (t.options.Columns-fieldIndent)/2) {
		t.newLine()
		t.write("", fmt.Sprintf("%*s", fieldIndent, ""))
		for i, cell := range line {
			line[i] = emojiOf(cell)
		}
		t.write("", string(line))
	}
}

func emojiOf(cell rune) rune {
	switch cell {
	case cellUp:
		return emojiUp
	case cellDown:
		return emojiDown
	case cellSome:
		return emojiSome
	}
	return emojiUnknown
}
