package heatmap

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
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
	DataCentre string // DataCentre, Cluster and Row are empty if unknown
	Cluster    string // unique only within the data centre
	Row        string // unique only within the cluster
}

// Group is a group of servers with consecutive indices: a data centre, a cluster or a row.
type Group struct {
	Name  string // as in its servers; may be empty
	First int    // index of its first server
	Len   int    // number of servers, above 0
	// the clusters of a data centre, or the rows of a cluster; together they contain exactly the
	// servers of the group
	Children []Group
}

// Topology is an ordered list of servers in data centres, clusters and rows. It is immutable and
// safe for concurrent use. Server i has bit i in every [Bitset] for the topology.
type Topology struct {
	servers   []Server
	centres   []Group
	byName    index
	byAddress index
}

// NewTopology returns a Topology of the given servers, ordered by data centre, cluster and row.
// Groups are in the order in which the list first names them, and the servers of a row in the order
// of the list; so a list whose groups are not interleaved keeps its order. Addresses are converted
// to their canonical form. The error names up to ten invalid servers. The list may be empty.
// NewTopology keeps no reference to it.
func NewTopology(servers []Server) (*Topology, error) {
	if len(servers) > MaxServers {
		return nil, fmt.Errorf("topology of %d servers, at most %d: %w", len(servers), MaxServers, ErrLength)
	}
	t := &Topology{servers: slices.Clone(servers), byName: newIndex(len(servers)), byAddress: newIndex(len(servers))}
	var faults []error
	for i := range t.servers {
		if err := t.servers[i].normalise(); err != nil {
			faults = append(faults, fmt.Errorf("server %d (%q): %w", i, clip(t.servers[i].Name), err))
		}
		if len(faults) == maxFaults {
			break
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	t.centres = arrange(t.servers)
	if err := t.fillIndices(); err != nil {
		return nil, err
	}
	return t, nil
}

// fillIndices builds the indices, once the order is final.
func (t *Topology) fillIndices() error {
	for i := range t.servers {
		s := &t.servers[i]
		if _, taken := t.ByName(s.Name); taken {
			return fmt.Errorf("two servers are named %q; give each its own name", s.Name)
		}
		t.byName.add(s.Name, i)
		if s.Address != "" {
			t.byAddress.add(s.Address, i)
		}
	}
	return nil
}

// Len returns the number of servers.
func (t *Topology) Len() int { return len(t.servers) }

// Server returns server i, or the zero Server if i is out of range.
func (t *Topology) Server(i int) Server {
	if uint(i) >= uint(len(t.servers)) {
		return Server{}
	}
	return t.servers[i]
}

// ByName returns the index of the server with the given name.
func (t *Topology) ByName(name string) (i int, ok bool) {
	found := t.byName.find(name, 1, func(i int) string { return t.servers[i].Name })
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
	return t.byAddress.find(canonical, len(t.servers), func(i int) string { return t.servers[i].Address })
}

// DataCentres returns the tree of groups, in order. The caller must not change it.
func (t *Topology) DataCentres() []Group { return t.centres }

// normalise checks every field and converts the address to its canonical form.
func (s *Server) normalise() error {
	if s.Name == "" {
		return errors.New("has no name")
	}
	fields := [...]struct{ key, value string }{
		{"name", s.Name}, {"address", s.Address}, {"data centre", s.DataCentre}, {"cluster", s.Cluster}, {"row", s.Row},
	}
	for _, f := range fields {
		if err := checkLabel(f.value); err != nil {
			return fmt.Errorf("%s: %w", f.key, err)
		}
	}
	if s.Address == "" {
		return nil
	}
	address, err := canonicalAddress(s.Address)
	if err != nil {
		return fmt.Errorf("address: %w", err)
	}
	s.Address = address
	return nil
}

// checkLabel refuses labels that would disturb a terminal, a log or a page: control characters,
// bidirectional overrides and invalid UTF-8.
func checkLabel(s string) error {
	if len(s) > MaxLabel {
		return fmt.Errorf("longer than %d bytes", MaxLabel)
	}
	if !utf8.ValidString(s) {
		return errors.New("not valid UTF-8")
	}
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
		return errors.New("has a character that cannot be printed")
	}
	return nil
}

// canonicalAddress returns the canonical form of an address: IP addresses as in RFC 5952, names in
// lower case.
func canonicalAddress(s string) (string, error) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		if ap.Port() == 0 {
			return "", errors.New("port 0 cannot be reached; write 1 to 65535")
		}
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()).String(), nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || strings.ContainsAny(host, ":/@[] ") {
		return "", fmt.Errorf("%q is not host:port", clip(s))
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", fmt.Errorf("%q has no port of 1 to 65535", clip(s))
	}
	return net.JoinHostPort(strings.ToLower(host), strconv.FormatUint(n, 10)), nil
}

// clip shortens s for error texts.
func clip(s string) string {
	if len(s) <= 64 {
		return s
	}
	return s[:64] + "…"
}
