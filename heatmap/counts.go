package heatmap

// Counts is the number of servers in each state.
type Counts struct{ Up, Down, Unknown int }

// Total returns the number of all servers.
func (c Counts) Total() int { return c.Up + c.Down + c.Unknown }

// Of returns the number of servers in state s.
func (c Counts) Of(s State) int {
	switch s {
	case Up:
		return c.Up
	case Down:
		return c.Down
	}
	return c.Unknown
}

// tally counts the servers of a group that are known.
type tally struct{ up, down int32 }

func (t *tally) add(s State, n int32) {
	switch s {
	case Up:
		t.up += n
	case Down:
		t.down += n
	}
}

func (t tally) counts(servers int) Counts {
	return Counts{Up: int(t.up), Down: int(t.down), Unknown: servers - int(t.up) - int(t.down)}
}

// put sets the state of server i in the bits and in the counts of all its groups. The caller must
// hold mu.
func (m *Map) put(i int, s State) {
	before := m.state(i)
	m.up.Set(i, s == Up)
	m.known.Set(i, s != Unknown)
	for id := m.topology.rowOf[i]; ; id = m.topology.parents[id] {
		m.counts[id].add(before, -1)
		m.counts[id].add(s, 1)
		if id == 0 {
			return
		}
	}
}

// Counts returns the number of servers in each state. It does not count them: the map keeps the
// numbers.
func (m *Map) Counts() Counts {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.counts[0].counts(m.topology.Len())
}

// CountGroup returns the number of servers of a group in each state, which the map keeps as well.
// ok is false if the group is not one of the present topology, t.
func (m *Map) CountGroup(t *Topology, g Group) (c Counts, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if t != m.topology || g.id <= 0 || int(g.id) >= len(m.counts) {
		return Counts{}, false
	}
	return m.counts[g.id].counts(g.Len), true
}
