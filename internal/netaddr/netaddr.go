// Package netaddr has the rules about network addresses that several packages share. It is small
// enough for WASM.
package netaddr

import (
	"net/netip"
	"strings"
)

// LoopbackHost reports whether host, which may end in a port, is a loopback address or localhost:
// whether what is sent there stays on this machine. Other names are not looked up.
func LoopbackHost(host string) bool {
	if addr := Parse(host); addr.IsValid() {
		return addr.IsLoopback()
	}
	name, _, _ := strings.Cut(host, ":")
	return name == "localhost"
}

// Parse returns the address of s: "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]" or
// "[2001:db8::1]:80". IPv4 in IPv6 becomes IPv4, and a zone is dropped. The zero Addr says that
// s names none.
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

// Network is what all addresses of a client network have in common: the first 24 bits of an IPv4
// address, 48 of an IPv6 one. Those of IPv4 lie in ::ffff:0:0/96, the zero Addr's is all zeros.
func Network(addr netip.Addr) [16]byte {
	b := addr.As16()
	if addr.Is4() {
		clear(b[15:])
	} else {
		clear(b[6:])
	}
	return b
}
