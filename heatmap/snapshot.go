package heatmap

import (
	"errors"
	"fmt"
	"time"
)

// Snapshot is the state of all servers at one instant. Its owner may change its bits.
type Snapshot struct {
	Topology *Topology // if nil, the servers have no groups and no names
	Up       *Bitset   // bit i is 1 if server i is up; required by the renderers
	// bit i is 1 if the state of server i is known; a server that is not known is neither up nor
	// down; if nil, all are known
	Known   *Bitset
	Version uint64 // number of changes of the map's state so far
	// how often the topology was replaced; snapshots of a map with the same number share
	// their topology
	Replaced uint64
	Changed  time.Time // time of the last change; zero if unknown

	part []Group // the tree to draw; nil for that of the topology, see Snapshot.Part
}

// State returns the state of server i. It returns [Unknown] for an index out of range.
func (s Snapshot) State(i int) State {
	if s.Up == nil || uint(i) >= uint(s.Up.Len()) {
		return Unknown
	}
	return stateOf(s.Up.Get(i), s.Known == nil || s.Known.Get(i))
}

// Span returns the index of the first server and the number of servers that s is for: all, or those
// of a part. See [Snapshot.Part].
func (s Snapshot) Span() (first, n int) {
	switch {
	case s.Up == nil:
		return 0, 0
	case s.part != nil:
		return s.part[0].First, s.part[0].Len // a part is one branch
	}
	return 0, s.Up.Len()
}

// Counts counts all servers, or those of the part that s is for.
func (s Snapshot) Counts() Counts {
	first, n := s.Span()
	return s.CountGroup(Group{First: first, Len: n})
}

// CountGroup counts the servers of a group of the snapshot's topology.
func (s Snapshot) CountGroup(g Group) Counts {
	if s.Up == nil {
		return Counts{}
	}
	known := g.Len
	if s.Known != nil {
		known = s.Known.CountRange(g.First, g.Len)
	}
	up := s.Up.CountRange(g.First, g.Len)
	return Counts{Up: up, Down: known - up, Unknown: g.Len - known}
}

// check returns an error if the parts do not fit together.
func (s Snapshot) check() error {
	if s.Up == nil {
		return errors.New("snapshot has no bits to draw")
	}
	n := s.Up.Len()
	if s.Known != nil {
		if s.Known.Len() != n {
			return fmt.Errorf("snapshot has %d up bits and %d known bits: %w", n, s.Known.Len(), ErrLength)
		}
		if extra, err := newBitset(n).AndNot(s.Up, s.Known); err != nil || extra > 0 {
			return fmt.Errorf("snapshot has %d servers that are up and not known", extra)
		}
	}
	if s.Topology != nil && s.Topology.Len() != n {
		return fmt.Errorf("snapshot has %d bits and a topology of %d servers: %w", n, s.Topology.Len(), ErrLength)
	}
	return nil
}

// regions returns the tree to draw. Without a topology, it is one group without a name at each
// level.
func (s Snapshot) regions() []Group {
	if s.part != nil {
		return s.part
	}
	if s.Topology != nil {
		return s.Topology.Regions()
	}
	if s.Up.Len() == 0 {
		return nil
	}
	g := Group{Len: s.Up.Len()}
	for range levels - 1 {
		g = Group{Len: g.Len, Children: []Group{g}}
	}
	return []Group{g}
}
