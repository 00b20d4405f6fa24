package demo

import (
	"fmt"
	"net/netip"
	"strings"
)

// The stage: who has which loopback address. Networks, service, name server and each collector have
// prefixes of their own, as they would have networks of their own in the world.
const (
	serviceName = "shop.heliograph.test"
	nameServer  = "127.120.0.53"
)

// network is an access network in which some of the clients sit.
type network struct {
	ASN     uint32
	Name    string
	Country string // user-assigned code of ISO 3166-1
	Prefix  netip.Prefix
}

var networks = [...]network{
	{64501, "Harbour Cable", "XA", netip.MustParsePrefix("127.101.0.0/24")},
	{64502, "Ridge Mobile", "XB", netip.MustParsePrefix("127.102.0.0/24")},
	{64503, "Lakeside Fibre", "XC", netip.MustParsePrefix("127.103.0.0/24")},
	{64504, "Moor Wireless", "XD", netip.MustParsePrefix("127.104.0.0/24")},
	{64505, "Campus Net", "XE", netip.MustParsePrefix("127.105.0.0/24")},
}

// visitor is the network in which whoever opens the page to break seems to sit.
var visitor = network{64506, "Your browser", "XF", netip.MustParsePrefix("127.106.0.0/24")}

// client is the address of the i-th client of n.
func (n network) client(i int) netip.Addr {
	a := n.Prefix.Addr().As4()
	a[3] = byte(10 + i)
	return netip.AddrFrom4(a)
}

// place is where a server of the service stands.
type place struct {
	Name, DataCentre, Cluster, Row string
	Addr                           netip.Addr
}

// places are eight servers: two data centres of two clusters of two rows. With more, a dead one
// would take longer to reach the floor of distinct clients.
func places() []place {
	var all []place
	for d, dc := range []string{"east", "west"} {
		for c, cluster := range []string{"a", "b"} {
			for row := range 2 {
				all = append(all, place{
					Name:       fmt.Sprintf("%s-%s-%d", dc, cluster, row+1),
					DataCentre: dc, Cluster: dc + "-" + cluster, Row: fmt.Sprintf("row %d", row+1),
					Addr: netip.AddrFrom4([4]byte{127, 110, byte(d), byte(10*c + row + 1)}),
				})
			}
		}
	}
	return all
}

// collectorHosts are the collectors' addresses, each in a network of its own.
var collectorHosts = [...]string{"127.130.0.1", "127.140.0.1"}

// networkTable is the table of networks as the collectors read it: start, end, ASN, country, name.
func networkTable() string {
	var b strings.Builder
	for _, n := range append(networks[:], visitor) {
		last := n.Prefix.Addr().As4()
		last[3] = 255
		fmt.Fprintf(&b, "%s\t%s\t%d\t%s\t%s\n", n.Prefix.Addr(), netip.AddrFrom4(last), n.ASN, n.Country, n.Name)
	}
	return b.String()
}
