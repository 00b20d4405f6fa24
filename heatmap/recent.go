package heatmap

import "slices"

// recentChanges is how many changes a map remembers.
const recentChanges = 1024

// recent remembers which servers changed last: change number v is at v modulo its length.
type recent struct {
	servers [recentChanges]int32
	begin   uint64 // the version behind which all changes are of the present topology
}

func (r *recent) note(version uint64, server int) { r.servers[version%recentChanges] = int32(server) }

// ChangedSince returns the servers whose states changed after a version, each once, in order. ok is
// false if the map does not remember that many changes, or if its topology was replaced since.
func (m *Map) ChangedSince(version uint64) (servers []int, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if version > m.version || version < m.recent.begin || m.version-version > recentChanges {
		return nil, false
	}
	for v := version + 1; v <= m.version; v++ {
		servers = append(servers, int(m.recent.servers[v%recentChanges]))
	}
	slices.Sort(servers)
	return slices.Compact(servers), true
}
