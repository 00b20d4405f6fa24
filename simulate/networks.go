package simulate

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
)

// Clients have addresses of 3fff::/20, which RFC 9637 reserves for documentation: nobody else has
// them. A prefix of clients, which shares a bucket, is a /48, of which there are maxPrefixes. The
// last maxVantages of them are those of vantages.
const maxPrefixes = 1 << 28

// place is where a client is.
type place struct {
	network int32
	prefix  uint32 // in the network
	host    uint32 // in the prefix
}

// reserve makes room for more prefixes in a network and returns the number of the first.
func (n *network) reserve(prefixes int) uint32 {
	first := n.prefixes
	n.prefixes += uint64(prefixes)
	return uint32(first)
}

// number numbers the prefixes of all networks, when each has as many as it needs.
func (p *population) number() {
	next := uint64(0)
	for i := range p.networks {
		p.networks[i].firstPrefix = next
		next += p.networks[i].prefixes
	}
}

// address returns a client's address.
func (p *population) address(at place) netip.Addr {
	b := prefixAddress(p.networks[at.network].firstPrefix + uint64(at.prefix))
	binary.BigEndian.PutUint16(b[6:], uint16(at.host))
	b[15] = 1
	return netip.AddrFrom16(b)
}

// prefixAddress returns the first address of a prefix.
func prefixAddress(number uint64) (b [16]byte) {
	binary.BigEndian.PutUint64(b[:], 0x3fff<<48|number<<16)
	return b
}

// VantageAddress returns the address of the i-th vantage's prober, from 0 on.
func VantageAddress(i int) netip.Addr {
	b := prefixAddress(uint64(maxPrefixes - maxVantages + i))
	b[15] = 1
	return netip.AddrFrom16(b)
}

// CheckAddresses returns an error if there are not enough addresses for the clients of a scenario.
func CheckAddresses(s *Scenario, seed uint64) error {
	return newWorld(s, seed).people.checkAddresses()
}

func (p *population) checkAddresses() error {
	last := &p.networks[len(p.networks)-1]
	if end := last.firstPrefix + last.prefixes; end > maxPrefixes-maxVantages {
		return fmt.Errorf("clients and floods have %d address prefixes, and there are %d: lower world.clients, or floods' prefixes and the networks that they come from",
			end, maxPrefixes-maxVantages)
	}
	return nil
}

// WriteNetworks writes the table of the networks that the addresses of clients and vantages belong
// to: lines of start, end, AS number, country and name, separated by tabs, as a collector reads
// them.
func WriteNetworks(out io.Writer, s *Scenario, seed uint64) error {
	w := newWorld(s, seed)
	if err := w.people.checkAddresses(); err != nil {
		return err
	}
	b := bufio.NewWriter(out)
	line := func(first, last uint64, asn uint32, country string) {
		end := prefixAddress(last)
		for i := 6; i < len(end); i++ {
			end[i] = 0xff
		}
		fmt.Fprintf(b, "%s\t%s\t%d\t%s\tSimulated network %d\n", netip.AddrFrom16(prefixAddress(first)), netip.AddrFrom16(end), asn, country, asn)
	}
	for i := range w.people.networks {
		n := &w.people.networks[i]
		line(n.firstPrefix, n.firstPrefix+n.prefixes-1, n.asn, w.people.countries[n.country])
	}
	for i := range w.vantages {
		number := uint64(maxPrefixes - maxVantages + i)
		line(number, number, vantageASN(i), "ZZ")
	}
	return b.Flush()
}
