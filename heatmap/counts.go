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

// tally is how many servers of a group are up, in its lower half, and how many are down, in its
// upper one. So one addition changes both.
type tally uint64

// tallies are what one server in each state adds to a tally.
var tallies = [...]tally{Unknown: 0, Down: 1 << 32, Up: 1}

func (t tally) counts(servers int) Counts {
	up, down := int(uint32(t)), int(t>>32)
	return Counts{Up: up, Down: down, Unknown: servers - up - down}
}

// put sets the state of server i in the bits and in the counts of all its groups. The caller must
// hold mu, and i must not be outside.
func (m *Map) put(i int, before, s State) {
	word, bit := i>>6, i&63
	up, known := &m.up.words[word], &m.known.words[word]
	*up = *up&^(1<<bit) | uint64(s>>1)<<bit
	*known = *known&^(1<<bit) | uint64(s>>1|s&1)<<bit
	change := tallies[s] - tallies[before]
	m.counts[0] += change
	for _, id := range m.topology.paths[m.topology.rowOf[i]] {
		m.counts[id] += change
	}
}

// Counts returns the number of servers in each state. It does not count them: the map keeps the
// numbers.
func (m *Map) Counts() Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts[0].counts(m.topology.Len())
}

// CountGroup returns the number of servers of a group in each state, which the map keeps as well.
// ok is false if the group is not one of the present topology, t.
func (m *Map) CountGroup(t *Topology, g Group) (c Counts, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t != m.topology || g.id <= 0 || int(g.id) >= len(m.counts) {
		return Counts{}, false
	}
	return m.counts[g.id].counts(g.Len), true
}
