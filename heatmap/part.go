package heatmap

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoGroup is returned, wrapped, for a group that a topology does not have.
var ErrNoGroup = errors.New("no such group")

// Part returns s for one group only: the renderers draw that group alone, as large as it fits, and
// [Snapshot.Counts] counts its servers. The path is the names of a region, data centre, cluster and
// row, of which the last ones may be left out. If no region of the topology has a name, the path
// begins with the data centre. Bits and indices stay those of all servers. The error wraps
// [ErrNoGroup].
func (s Snapshot) Part(path ...string) (Snapshot, error) {
	if s.Topology == nil {
		return s, fmt.Errorf("servers without groups have no part %q: %w", strings.Join(path, "/"), ErrNoGroup)
	}
	if len(path) == 0 {
		return s, nil
	}
	if all := s.Topology.Regions(); len(all) == 1 && all[0].Name == "" {
		path = append([]string{""}, path...)
	}
	if len(path) > levels {
		return s, fmt.Errorf("a path of %d names, at most %d: %w", len(path), levels, ErrNoGroup)
	}
	part, ok := prune(s.Topology.Regions(), path)
	if !ok {
		return s, fmt.Errorf("group %q: %w", strings.TrimPrefix(strings.Join(path, "/"), "/"), ErrNoGroup)
	}
	s.part = part
	return s, nil
}

// prune returns the branch of the tree along the path.
func prune(all []Group, path []string) ([]Group, bool) {
	if len(path) == 0 {
		return all, true
	}
	for _, g := range all {
		if g.Name != path[0] {
			continue
		}
		children, ok := prune(g.Children, path[1:])
		if !ok {
			return nil, false
		}
		if len(path) > 1 { // only a part of it
			g.First, g.Len, g.id = children[0].First, children[0].Len, 0
		}
		g.Children = children
		return []Group{g}, true
	}
	return nil, false
}
