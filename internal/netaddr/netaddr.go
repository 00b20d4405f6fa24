// Package netaddr has the rules about network addresses that several packages share. It is small
// enough for WebAssembly.
package netaddr

import (
	"net/netip"
	"strings"
)

// LoopbackHost reports whether host, which may end in a port, is a loopback address or localhost,
// so that what is sent there stays on this machine. It does not look up other names.
func LoopbackHost(host string) bool {
	if addr := Parse(host); addr.IsValid() {
		return addr.IsLoopback()
	}
	name, _, _ := strings.Cut(host, ":")
	return name == "localhost"
}

// Parse returns the address in s, which may have any of the forms "192.0.2.1", "192.0.2.1:80",
// "2001:db8::1", "[2001:db8::1]" and "[2001:db8::1]:80". It converts IPv4-mapped IPv6 addresses to
// IPv4 and drops zones. It returns the zero Addr if there is no address in s.
func Parse(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return plain(ap.Addr())
	}
	if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
		s = strings.TrimSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return plain(addr)
}

func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// Network returns the prefix that all addresses of a client network share: the first 24 bits of an
// IPv4 address or the first 48 bits of an IPv6 address. IPv4 prefixes are in ::ffff:0:0/96. The
// prefix of the zero Addr is all zeros.
func Network(addr netip.Addr) [16]byte {
	b := addr.As16()
	if addr.Is4() {
		clear(b[15:])
	} else {
		clear(b[6:])
	}
	return b
}
