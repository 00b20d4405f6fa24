package demo

import (
	"fmt"
	"net/netip"
	"strings"
)

// The loopback addresses of the demonstration. Each access network, the service, the name server
// and each collector have a prefix of their own, as they would have networks of their own
// in reality.
const (
	serviceName = "shop.heliograph.test"
	nameServer  = "127.120.0.53"
)

// network is an access network with some of the clients.
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

// visitor is the network that the visitor of the page appears to be in.
var visitor = network{64506, "Your browser", "XF", netip.MustParsePrefix("127.106.0.0/24")}

// client returns the address of the i-th client of n.
func (n network) client(i int) netip.Addr {
	a := n.Prefix.Addr().As4()
	a[3] = byte(10 + i)
	return netip.AddrFrom4(a)
}

// place is the location of a server of the service.
type place struct {
	Name, DataCentre, Cluster, Row string
	Addr                           netip.Addr
}

// places returns eight servers: two data centres with two clusters with two rows each. With more
// servers, it would take longer until enough distinct clients have met a dead one.
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
