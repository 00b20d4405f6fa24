package heatmap

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// MaxLabel is the greatest length in bytes of the name of a server, data centre, cluster or row,
// and of an address.
const MaxLabel = 256

// maxFaults is the most faults of a server list that one error reports.
const maxFaults = 10

// Server is one thing that can be up or down, and its location.
type Server struct {
	Name string // unique; must not be empty
	// "host:port" as reported by agents, such as "192.0.2.1:443" or "[2001:db8::1]:443"; empty if
	// it has none; several servers may share one
	Address    string
	Region     string // Region, DataCentre, Cluster and Row are empty if unknown
	DataCentre string // unique only within the region
	Cluster    string // unique only within the data centre
	Row        string // unique only within the cluster
}

// Topology is an ordered list of servers in regions, data centres, clusters and rows. It is
// immutable and safe for concurrent use. Server i has bit i in every [Bitset] for the topology.
type Topology struct {
	servers   []identity // the labels of their places are those of their groups
	regions   []Group
	centres   []Group  // of all regions, in order
	paths     []path   // by id of a group
	labels    []string // by id of a group: its name
	rowOf     []int32  // by server: the id of its row
	byName    index
	byAddress index
}

// identity is what a topology keeps of each server.
type identity struct{ name, address string }

// path is the ids of a group and of those around it, by level; 0 below its own.
type path [levels]int32

// NewTopology returns a Topology of the given servers, ordered by region, data centre, cluster and
// row.
// Groups are in the order in which the list first names them, and the servers of a row in the order
// of the list; so a list whose groups are not interleaved keeps its order. Addresses are converted
// to their canonical form. The error names up to ten invalid servers. The list may be empty.
// NewTopology keeps no reference to it.
func NewTopology(servers []Server) (*Topology, error) {
	if len(servers) > MaxServers {
		return nil, fmt.Errorf("topology of %d servers, at most %d: %w", len(servers), MaxServers, ErrLength)
	}
	t := &Topology{}
	var err error
	if t.servers, err = normaliseAll(servers); err != nil {
		return nil, err
	}
	t.arrange(servers)
	// The indices are half of the work, and independent of each other.
	var addresses sync.WaitGroup
	addresses.Go(t.indexAddresses)
	err = t.indexNames()
	addresses.Wait()
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Topology) nameOf(i int) string    { return t.servers[i].name }
func (t *Topology) addressOf(i int) string { return t.servers[i].address }

func (t *Topology) indexNames() error {
	t.byName = newIndex(len(t.servers))
	for i := range t.servers {
		if name := t.servers[i].name; !t.byName.addUnique(name, i, t.nameOf) {
			return fmt.Errorf("two servers are named %q; give each its own name", name)
		}
	}
	return nil
}

func (t *Topology) indexAddresses() {
	t.byAddress = newIndex(len(t.servers))
	for i := range t.servers {
		if address := t.servers[i].address; address != "" {
			t.byAddress.add(address, i)
		}
	}
}

// Len returns the number of servers.
func (t *Topology) Len() int { return len(t.servers) }

// Server returns server i, or the zero Server if i is out of range.
func (t *Topology) Server(i int) Server {
	if uint(i) >= uint(len(t.servers)) {
		return Server{}
	}
	s, place := t.servers[i], t.paths[t.rowOf[i]]
	return Server{
		Name: s.name, Address: s.address,
		Region: t.labels[place[0]], DataCentre: t.labels[place[1]], Cluster: t.labels[place[2]], Row: t.labels[place[3]],
	}
}

// ByName returns the index of the server with the given name.
func (t *Topology) ByName(name string) (i int, ok bool) {
	found := t.byName.find(name, 1, t.nameOf)
	if len(found) == 0 {
		return 0, false
	}
	return found[0], true
}

// ByAddress returns the indices of the servers at an address, which may have any spelling of
// "host:port" that [NewTopology] accepts. It returns nil if there are none.
func (t *Topology) ByAddress(address string) []int {
	canonical, err := canonicalAddress(address)
	if err != nil {
		return nil
	}
	return t.byAddress.find(canonical, len(t.servers), t.addressOf)
}

// About returns the names of the servers at an address, and the places where they stand, such as
// "north/east/web/r1", without the parts that are unknown.
func (t *Topology) About(address string) (all []string) {
	for _, i := range t.ByAddress(address) {
		s := t.Server(i)
		place := slices.DeleteFunc([]string{s.Region, s.DataCentre, s.Cluster, s.Row}, func(part string) bool { return part == "" })
		if all = append(all, s.Name); len(place) > 0 {
			all = append(all, strings.Join(place, "/"))
		}
	}
	return all
}

// Regions returns the tree of groups, in order: regions, their data centres, clusters and rows. The
// caller must not change it.
func (t *Topology) Regions() []Group { return t.regions }

// DataCentres returns the data centres of all regions, in order. The caller must not change them.
func (t *Topology) DataCentres() []Group { return t.centres }
