package heatmap

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func renderText(t *testing.T, s Snapshot, o TextOptions) string {
	t.Helper()
	var out strings.Builder
	if err := RenderText(&out, s, o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// badFleet has one server down, one unknown, and one cluster wholly down.
func badFleet(t *testing.T) Snapshot {
	topology := mustTopology(t, fleet(2, 2, 2, 3))
	m := NewMap(topology)
	for i := range topology.Len() {
		m.Set(i, Up, epoch)
	}
	m.Set(4, Down, epoch)
	m.Set(11, Unknown, epoch)
	for i := 12; i < 18; i++ {
		m.Set(i, Down, epoch)
	}
	return m.Snapshot()
}

func TestTextShowsGroupsAndCounts(t *testing.T) {
	const want = `24 servers  █ 16 up  ✗ 7 down  · 1 unknown
changed 2026-03-04 05:06:07 UTC

dc0  1 down of 12 servers
  web-00  5/6  r0 ███  r1 █✗█
  web-01  5/6  r0 ███  r1 ██·

dc1  6 down of 12 servers
  web-00  0/6  r0 ✗✗✗  r1 ✗✗✗
  web-01  6/6  r0 ███  r1 ███
`
	if got := renderText(t, badFleet(t), TextOptions{}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

var escape = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestColourChangesNothingElse(t *testing.T) {
	plain := renderText(t, badFleet(t), TextOptions{})
	coloured := renderText(t, badFleet(t), TextOptions{Colour: true})
	if strings.Contains(plain, "\x1b") || !strings.Contains(coloured, ansiDown+"✗✗✗"+ansiReset) {
		t.Error("colours come unasked, or do not come")
	}
	if got := escape.ReplaceAllString(coloured, ""); got != plain {
		t.Errorf("without its colours the text is\n%s", got)
	}
	if strings.Count(coloured, ansiReset)*2 != len(escape.FindAllString(coloured, -1)) {
		t.Error("a colour is not ended")
	}
}

func TestTextKeepsToTheColumnsAndShowsEveryServer(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 20 {
		topology := mustTopology(t, irregular(r))
		s := paint(topology, topology.Len(), 4)
		for _, columns := range []int{40, 80, 200} {
			text := renderText(t, s, TextOptions{Columns: columns, MaxCells: MaxServers})
			cells := 0
			for i, line := range strings.Split(text, "\n") {
				if i < 2 {
					continue // the heading tells the signs, and may be wider than a narrow terminal
				}
				if strings.HasPrefix(line, "  ") {
					cells += strings.Count(line, "█") + strings.Count(line, "✗") + strings.Count(line, "·")
				}
				if utf8.RuneCountInString(line) > columns {
					t.Fatalf("line of %d at %d columns: %s", utf8.RuneCountInString(line), columns, line)
				}
			}
			if cells != topology.Len() {
				t.Fatalf("%d of %d servers are shown", cells, topology.Len())
			}
		}
	}
}

func TestTextOfManyServersIsShort(t *testing.T) {
	topology := mustTopology(t, fleet(2, 300, 2, 20))
	m := NewMap(topology)
	for i := range topology.Len() {
		m.Set(i, Up, epoch)
	}
	m.Set(41, Down, epoch)
	for i := 80; i < 120; i++ {
		m.Set(i, Down, epoch)
	}
	text := renderText(t, m.Snapshot(), TextOptions{MaxCells: 1200})
	for _, want := range []string{
		"one character stands for up to 20 servers", "web-01   39/40  ▒█\n", "web-02    0/40  ✗✗\n", "  298 clusters without fault\n", "  300 clusters without fault\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("text lacks %q:\n%s", want, text)
		}
	}
}
