package collector

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/netaddr"
)

// maxHops is how many addresses of a forwarding header are read, from its end.
const maxHops = 16

// client returns the address that an upload came from. It is the peer's or, if the peer is a
// trusted proxy, the last address in the forwarding header that is not a trusted proxy. Only the
// part of the header that trusted proxies wrote is used. The zero Addr means unknown.
func (s *settings) client(r *http.Request) netip.Addr {
	addr := httpx.Peer(r)
	if !s.trusts(addr) {
		s.unlisted.note(addr, r.Header)
		return addr
	}
	hops := r.Header.Values(s.ForwardedHeader)
	seen := 0
	for line := len(hops) - 1; line >= 0; line-- {
		for rest, more := hops[line], true; more; {
			var hop string
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, hop = rest[:comma], rest[comma+1:]
			} else {
				hop, more = rest, false
			}
			addr = hopAddr(hop, s.ForwardedHeader == headerForwarded)
			if seen++; seen == maxHops || !addr.IsValid() {
				return netip.Addr{}
			}
			if !s.trusts(addr) {
				return addr
			}
		}
	}
	return netip.Addr{} // only proxies are known
}

func (s *settings) trusts(addr netip.Addr) bool {
	for _, p := range s.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// The forwarding headers.
const (
	headerForwarded    = "Forwarded" // RFC 7239
	headerForwardedFor = "X-Forwarded-For"
)

// hopAddr returns the address in one element of a forwarding header, or the zero Addr if it has
// none ("unknown", "_hidden").
func hopAddr(hop string, forwarded bool) netip.Addr {
	if forwarded {
		hop = forParameter(hop)
	}
	return netaddr.Parse(strings.TrimSpace(hop))
}

// forParameter returns the value of "for" in one element of Forwarded (RFC 7239, section 4).
func forParameter(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(name, "for") {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}
