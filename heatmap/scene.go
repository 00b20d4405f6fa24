package heatmap

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scene is what a picture shows, whatever draws it.
type scene struct {
	regions []Group
	inks    []uint8 // by server: the colour of its square
	title   string
	legend  []entry
	moment  string // when, in words; may be empty
	footer  string // groups that are down as a whole, in words; empty if there are none
	// describe says in a few words how a group fares, and whether it is bad: half or more of
	// it is down
	describe func(Group) (parts []part, bad bool)
	dead     func(Group) bool // all of it is down
}

// entry is one entry of the legend: a square and a count.
type entry struct {
	ink  uint8
	text string
}

// part is a piece of text in a colour.
type part struct {
	text string
	ink  uint8
}

// scene returns the picture of a snapshot.
func (s Snapshot) scene(title string) *scene {
	c := &scene{regions: s.regions(), inks: s.inks(), title: title, moment: moment(s.Changed)}
	n := s.Counts()
	for _, state := range []State{Up, Down, Unknown} {
		c.legend = append(c.legend, entry{inkOf(state), group3(n.Of(state)) + " " + state.String()})
	}
	c.describe = func(g Group) ([]part, bool) { return s.CountGroup(g).parts() }
	// Looking at one server first spares counting nearly all groups.
	c.dead = func(g Group) bool { return s.State(g.First) == Down && s.CountGroup(g).Down == g.Len }
	c.footer = footer(wholes(c.regions, c.dead))
	return c
}

// parts describes counts, what matters most first.
func (c Counts) parts() (all []part, bad bool) {
	if c.Down > 0 {
		all = append(all, part{group3(c.Down) + " down", inkDown})
	}
	if c.Unknown > 0 {
		all = append(all, part{group3(c.Unknown) + " unknown", inkMuted})
	}
	if c.Up < c.Total() {
		return append(all, part{"of " + group3(c.Total()), inkMuted}), c.Down > 0 && 2*c.Down >= c.Total()
	}
	return append(all, part{group3(c.Total()) + " up", inkMuted}), false
}

// whole is a group that is down as a whole while the group around it is not.
type whole struct {
	path  [levels]string // names of the group and those around it
	level int            // of the group
	n     int
}

var levelNames = [levels]string{"region", "data centre", "cluster", "row"}

// wholes returns the largest groups that are dead, the largest first. A group of one server is
// none.
func wholes(regions []Group, dead func(Group) bool) (found []whole) {
	var path [levels]string
	var look func(all []Group, level int)
	look = func(all []Group, level int) {
		for i := range all {
			g := &all[i]
			switch path[level] = g.Name; {
			case g.Len == 1:
			case dead(*g):
				found = append(found, whole{path: path, level: level, n: g.Len})
			default:
				look(g.Children, level+1)
			}
		}
	}
	look(regions, 0)
	slices.SortStableFunc(found, func(a, b whole) int { return cmp.Compare(b.n, a.n) })
	return found
}

const mostTold = 4 // groups in the footer

// footer names groups in one line.
func footer(all []whole) string {
	var told []string
	for _, w := range all[:min(len(all), mostTold)] {
		names := slices.DeleteFunc(w.path[:w.level+1], func(s string) bool { return s == "" })
		what := "everything"
		if len(names) > 0 {
			what = levelNames[w.level] + " " + strings.Join(names, "/")
		}
		told = append(told, what+" ("+group3(w.n)+")")
	}
	if len(told) == 0 {
		return ""
	}
	if more := len(all) - len(told); more > 0 {
		told = append(told, group3(more)+" more")
	}
	return "down as a whole: " + strings.Join(told, ", ")
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("changed 2006-01-02 15:04:05 UTC")
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

// group3 formats a number with commas between thousands.
func group3(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
