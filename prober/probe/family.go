package probe

import "net/netip"

// Family returns the IP version of an address, with or without a port, or 0 if it is not
// an address.
func Family(server string) uint8 {
	ip, err := netip.ParseAddr(server)
	if err != nil {
		var both netip.AddrPort
		if both, err = netip.ParseAddrPort(server); err != nil {
			return 0
		}
		ip = both.Addr()
	}
	if ip.Is4() {
		return 4
	}
	return 6
}
