package collector

import (
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// unlistedFor is how long an unlisted proxy is reported after it was last seen.
	unlistedFor = 10 * time.Minute
	// unlistedLog is the shortest time between two warnings in the log.
	unlistedLog = time.Hour
)

// unlisted notices requests that come through a proxy that is not in Settings.TrustedProxies: their
// peer is on this host or in a private network, and they have a forwarding header. All clients
// behind such a proxy look like one. It is only a warning, because a client in a private network
// can send the header itself. The zero value does not log, and a nil *unlisted does nothing. It is
// safe for concurrent use.
type unlisted struct {
	log      *slog.Logger
	requests prometheus.Counter
	seen     atomic.Int64 // Unix ns of the last one
	warned   atomic.Int64 // Unix ns of the last warning in the log
}

// forwardingHeaders are the headers that proxies add.
var forwardingHeaders = []string{headerForwardedFor, headerForwarded, "X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip"}

// note checks a request whose peer is not a trusted proxy.
func (u *unlisted) note(peer netip.Addr, h http.Header) {
	if u == nil || !private(peer) {
		return
	}
	for _, name := range forwardingHeaders {
		if len(h[name]) > 0 {
			u.found(time.Now(), name)
			return
		}
	}
}

func (u *unlisted) found(now time.Time, header string) {
	u.requests.Inc()
	u.seen.Store(now.UnixNano())
	last := u.warned.Load()
	if last != 0 && now.UnixNano()-last < int64(unlistedLog) || !u.warned.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	u.log.Warn("uploads come through a proxy that is not listed: all its clients look like one; list it in trusted_proxies", "header", header)
}

// outlook describes the fault, or returns "".
func (u *unlisted) outlook(now time.Time) string {
	last := u.seen.Load()
	if last == 0 || now.UnixNano()-last > int64(unlistedFor) {
		return ""
	}
	return "uploads come through a proxy on this host or a private network that trusted_proxies does not list: all its clients look like one, " +
		"their networks and countries are unknown; list it"
}

// carrierGrade has the addresses that providers share among customers (RFC 6598).
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

// private reports whether an address belongs to this host or to a network that is not routed on
// the Internet.
func private(addr netip.Addr) bool {
	return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || carrierGrade.Contains(addr)
}
