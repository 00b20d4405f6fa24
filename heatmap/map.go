package heatmap

import (
	"sync"
	"time"
)

// State is the state of a server. The zero value is [Unknown].
type State uint8

// The states. Unknown means not probed yet, or probed without a conclusion.
const (
	Unknown State = 0
	Down    State = 1
	Up      State = 2
)

// String returns "unknown", "down" or "up".
func (s State) String() string {
	switch s {
	case Down:
		return "down"
	case Up:
		return "up"
	}
	return "unknown"
}

// Map holds the present state of the servers of a topology. All servers are [Unknown] at first. Its
// methods are safe for concurrent use.
type Map struct {
	// mu guards everything below. Nobody holds it for longer than a copy of the bits takes, so that
	// readers need not be let in together, which would make Set slower
	mu       sync.Mutex
	topology *Topology
	replaced uint64
	up       *Bitset // a bit is set only if it is also set in known
	known    *Bitset
	counts   []tally // by id of a group of the topology
	changed  []int64 // Unix ms of each server's last change of state; 0 if none
	last     int64   // Unix ms of the last change of any server
	version  uint64
	recent   recent
}

// NewMap returns a Map of the servers of t.
func NewMap(t *Topology) *Map {
	return &Map{
		topology: t,
		up:       newBitset(t.Len()),
		known:    newBitset(t.Len()),
		counts:   make([]tally, len(t.paths)),
		changed:  make([]int64, t.Len()),
	}
}

// Topology returns the present topology, which is that of [NewMap] or of the last [Map.Replace].
func (m *Map) Topology() *Topology {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.topology
}

// Replace replaces the topology. Servers whose names are in both topologies keep their states and
// times. The others are [Unknown]. Replace counts as a change of state.
func (m *Map) Replace(t *Topology) {
	next := NewMap(t)
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range t.Len() {
		if old, ok := m.topology.ByName(t.Server(i).Name); ok {
			next.put(i, Unknown, m.state(old))
			next.changed[i] = m.changed[old]
		}
	}
	m.topology, m.up, m.known, m.counts, m.changed = t, next.up, next.known, next.counts, next.changed
	m.replaced++
	m.version++
	m.recent.begin = m.version
}

// Version returns a number that increases with each change of the topology or of a state.
func (m *Map) Version() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.version
}

// Set sets the state of server i to s, as of time at, and reports whether the state has changed. If
// not, the time of the server's last change stays the same. Set does nothing if i is outside the
// topology, or if s is no state.
func (m *Map) Set(i int, s State, at time.Time) (changed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if uint(i) >= uint(len(m.changed)) || s > Up {
		return false
	}
	before := m.state(i)
	if before == s {
		return false
	}
	m.put(i, before, s)
	m.changed[i] = at.UnixMilli()
	m.last = max(m.last, m.changed[i])
	m.version++
	m.recent.note(m.version, i)
	return true
}

// state returns the state of server i. The caller must hold mu.
func (m *Map) state(i int) State { return stateOf(m.up.Get(i), m.known.Get(i)) }

func stateOf(up, known bool) State {
	switch {
	case !known:
		return Unknown
	case up:
		return Up
	}
	return Down
}

// State returns the state of server i and when it began, to the millisecond. The time is zero if
// the state has never changed. The state is [Unknown] if i is outside the topology.
func (m *Map) State(i int) (s State, since time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if uint(i) >= uint(m.topology.Len()) {
		return Unknown, time.Time{}
	}
	return m.state(i), fromMilli(m.changed[i])
}

// Down reports whether the servers at an address ("host:port") are down: at least one is down and
// none is up. It returns false for an address that the topology does not have.
func (m *Map) Down(address string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.topology.ByAddress(address)
	down := false
	for _, i := range at {
		switch m.state(i) {
		case Up:
			return false
		case Down:
			down = true
		}
	}
	return down
}

// Snapshot returns a copy of the whole state at one instant. It takes 250 KB for 1,000,000 servers.
func (m *Map) Snapshot() Snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Snapshot{
		Topology: m.topology,
		Replaced: m.replaced,
		Up:       m.up.Clone(),
		Known:    m.known.Clone(),
		Version:  m.version,
		Changed:  fromMilli(m.last),
	}
}

// fromMilli converts Unix milliseconds to a time in UTC. 0 becomes the zero time.
func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
