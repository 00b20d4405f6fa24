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

// MaxLabel is the longest name of a server, address, data centre, cluster or row in bytes.
const MaxLabel = 256

// maxFaults bounds how many faults of a server list one error tells.
const maxFaults = 10

// Server is one thing that is up or down, and where it stands.
type Server struct {
	Name string // unique; must not be empty
	// "host:port", as agents report it ("192.0.2.1:443", "[2001:db8::1]:443"); empty: it has none.
	// Several servers may share one
	Address    string
	DataCentre string // empty: not told, as with Cluster and Row
	Cluster    string // unique within the data centre only
	Row        string // unique within the cluster only
}

// Group is a run of servers that stand together: a data centre, one of its clusters, or a
// row of that.
type Group struct {
	Name  string // as in Server; may be empty
	First int    // index of its first server
	Len   int    // number of servers, > 0
	// of a data centre its clusters, of a cluster its rows; together they are exactly the
	// group's servers
	Children []Group
}

// Topology is an ordered list of servers in data centres, clusters and rows. It never changes, so
// that any number of goroutines may use it. Server i belongs to bit i of every Bitset that
// goes with it.
type Topology struct {
	servers   []Server
	centres   []Group
	byName    index
	byAddress index
}

// NewTopology orders servers by data centre, cluster and row: groups in the order in which the list
// first names them, the servers of a row in the order of the list. A list in which every group
// stands in one piece keeps its order. Addresses are brought into their canonical form. The error
// names up to ten servers at fault; an empty list is fine. It keeps nothing of the slice.
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

// fillIndices runs after the order is final.
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

// Len is the number of servers.
func (t *Topology) Len() int { return len(t.servers) }

// Server returns server i, or the zero Server when there is none.
func (t *Topology) Server(i int) Server {
	if uint(i) >= uint(len(t.servers)) {
		return Server{}
	}
	return t.servers[i]
}

// ByName finds a server by its name.
func (t *Topology) ByName(name string) (i int, ok bool) {
	found := t.byName.find(name, 1, func(i int) string { return t.servers[i].Name })
	if len(found) == 0 {
		return 0, false
	}
	return found[0], true
}

// ByAddress finds the servers at an address, "host:port" in any spelling that NewTopology takes;
// nil when there is none.
func (t *Topology) ByAddress(address string) []int {
	canonical, err := canonicalAddress(address)
	if err != nil {
		return nil
	}
	return t.byAddress.find(canonical, len(t.servers), func(i int) string { return t.servers[i].Address })
}

// DataCentres is the tree of groups, in order. The caller must not change it.
func (t *Topology) DataCentres() []Group { return t.centres }

// normalise checks every field and brings the address into its canonical form.
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

// checkLabel keeps out what would disturb a terminal, a log or a page: control characters,
// bidirectional overrides, broken UTF-8.
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

// canonicalAddress gives equal strings for equal addresses: IP addresses as RFC 5952 writes them,
// names in lower case.
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

// clip keeps error texts short whatever the input.
func clip(s string) string {
	if len(s) <= 64 {
		return s
	}
	return s[:64] + "…"
}
