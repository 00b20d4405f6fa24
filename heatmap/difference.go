package heatmap

import (
	"fmt"
	"io"
	"time"
)

// Difference is what changed between two snapshots, in the topology of the later one. Servers are
// followed by name, so that one that has moved is compared with itself.
type Difference struct {
	Topology *Topology // of the later snapshot; may be nil

	Failed    *Bitset // down now, and not before
	Recovered *Bitset // up now, and down before
	StillDown *Bitset // down both times
	StillUp   *Bitset // up now, and not down before

	Added, Removed int // servers that only one of the topologies has

	part []Group
}

// Compare returns what changed from before to after. Without topologies both must have as many
// servers, otherwise the error is [ErrLength].
func Compare(before, after Snapshot) (*Difference, error) {
	for _, s := range []Snapshot{before, after} {
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("compare heat maps: %w", err)
		}
	}
	n := after.Up.Len()
	if before.Topology == nil || after.Topology == nil {
		if before.Up.Len() != n {
			return nil, fmt.Errorf("compare heat maps of %d and %d servers without names: %w", before.Up.Len(), n, ErrLength)
		}
	}
	d := &Difference{
		Topology: after.Topology, part: after.part,
		Failed: newBitset(n), Recovered: newBitset(n), StillDown: newBitset(n), StillUp: newBitset(n),
	}
	was := d.follow(before, after)
	for i := range n {
		switch now, then := after.State(i), before.State(was(i)); {
		case now == Down && then == Down:
			d.StillDown.Set(i, true)
		case now == Down:
			d.Failed.Set(i, true)
		case now == Up && then == Down:
			d.Recovered.Set(i, true)
		case now == Up:
			d.StillUp.Set(i, true)
		}
	}
	return d, nil
}

// follow returns the function from a server's index in after to that in before, or to -1, and
// counts the servers that only one of them has.
func (d *Difference) follow(before, after Snapshot) func(i int) int {
	if before.Topology == nil || after.Topology == nil || before.Topology == after.Topology {
		return func(i int) int { return i }
	}
	old := make([]int32, after.Up.Len())
	for i := range old {
		at, ok := before.Topology.ByName(after.Topology.nameOf(i))
		if !ok {
			at = -1
			d.Added++
		}
		old[i] = int32(at)
	}
	d.Removed = before.Up.Len() - (len(old) - d.Added)
	return func(i int) int { return int(old[i]) }
}

// RenderDifferencePNG draws a difference like [RenderPNG] draws a snapshot: servers that failed are
// vermillion, those that recovered green, those that stayed down brown, and those that stayed up
// pale blue.
func RenderDifferencePNG(w io.Writer, d *Difference, from, to time.Time, o PNGOptions) error {
	if err := o.validate(d.Failed.Len()); err != nil {
		return fmt.Errorf("draw the difference: %w", err)
	}
	return encodePNG(w, d.scene(o.Title, from, to), o)
}

func (d *Difference) scene(title string, from, to time.Time) *scene {
	c := &scene{
		regions: Snapshot{Topology: d.Topology, Up: d.Failed, part: d.part}.regions(),
		inks:    d.inks(), title: title,
		legend: []entry{
			{inkDown, group3(d.Failed.Count()) + " failed"}, {inkRecovered, group3(d.Recovered.Count()) + " recovered"},
			{inkStillDown, group3(d.StillDown.Count()) + " still down"},
		},
	}
	if !from.IsZero() && !to.IsZero() {
		c.moment = from.UTC().Format("2006-01-02 15:04:05") + " to " + to.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	c.describe = d.describe
	c.dead = func(g Group) bool { return d.Failed.Get(g.First) && d.Failed.CountRange(g.First, g.Len) == g.Len }
	if all := footer(wholes(c.regions, c.dead)); all != "" {
		c.footer = "failed, " + all
	}
	return c
}

func (d *Difference) describe(g Group) (parts []part, bad bool) {
	for _, p := range []struct {
		set  *Bitset
		word string
		ink  uint8
	}{{d.Failed, "failed", inkDown}, {d.Recovered, "recovered", inkRecovered}, {d.StillDown, "still down", inkStillDown}} {
		if n := p.set.CountRange(g.First, g.Len); n > 0 {
			parts = append(parts, part{group3(n) + " " + p.word, p.ink})
		}
	}
	return append(parts, part{"of " + group3(g.Len), inkMuted}), 2*d.Failed.CountRange(g.First, g.Len) >= g.Len
}

func (d *Difference) inks() []uint8 {
	all := takeBuffer(d.Failed.Len())
	for i := range all {
		switch {
		case d.Failed.Get(i):
			all[i] = inkDown
		case d.Recovered.Get(i):
			all[i] = inkRecovered
		case d.StillDown.Get(i):
			all[i] = inkStillDown
		case d.StillUp.Get(i):
			all[i] = inkSame
		default:
			all[i] = inkUnknown
		}
	}
	return all
}
