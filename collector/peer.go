package collector

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/netaddr"
)

// maxHops is how many addresses of a forwarding header are looked at, from its end.
const maxHops = 16

// client is the address that an upload came from: the peer's or, when that is a trusted proxy, the
// last one in the forwarding header that is none. Only the part of the header that trusted proxies
// have written is believed. The zero Addr: unknown.
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
	return netip.Addr{} // all that is known is a proxy
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

// hopAddr is the address that one element of a forwarding header names; the zero Addr when it names
// none ("unknown", "_hidden").
func hopAddr(hop string, forwarded bool) netip.Addr {
	if forwarded {
		hop = forParameter(hop)
	}
	return netaddr.Parse(strings.TrimSpace(hop))
}

// forParameter is the value of "for" in one element of Forwarded (RFC 7239, section 4).
func forParameter(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(name, "for") {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}
