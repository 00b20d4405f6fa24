package httpagent

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// network notices that the machine's network has changed, by the addresses of its interfaces. It looks when a request fails, and now and then
// when one begins, so that it needs no goroutine. What keeps all its addresses, such as another network with the same private ones, goes
// unnoticed.
type network struct {
	addresses func() ([]net.Addr, error) // the interfaces'

	mu      sync.Mutex
	looked  time.Time // when; zero: never
	last    []netip.Prefix
	changed time.Time // when a change was noticed last
}

const (
	lookAgain  = time.Second      // after a failure, at most so often
	lookIdle   = 10 * time.Second // when a request begins
	lookRecent = time.Minute      // of a change since an older look nobody knows when it was
)

func newNetwork() *network { return &network{addresses: net.InterfaceAddrs} }

// watchNetwork is called when a request begins that is traced.
func (rt *roundTripper) watchNetwork(now time.Time) {
	if rt.network.look(now, now, lookIdle) {
		rt.agent.NetworkChanged()
	}
}

// networkChanged is called when a request fails that began at start. It reports whether the network has changed since.
func (rt *roundTripper) networkChanged(start, now time.Time) bool {
	if rt.network.look(start, now, lookAgain) {
		rt.agent.NetworkChanged()
	}
	rt.network.mu.Lock()
	defer rt.network.mu.Unlock()
	return rt.network.changed.After(start)
}

// look reports whether the network has changed since the last look, unless that is less than pause ago. The last look must
// have been within a minute, or not before start: else nobody can tell what the change has to do with what happens now.
func (n *network) look(start, now time.Time, pause time.Duration) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.looked.IsZero() && now.Sub(n.looked) < pause {
		return false
	}
	current, err := n.prefixes()
	if err != nil {
		return false
	}
	known := !n.looked.IsZero() && (now.Sub(n.looked) <= lookRecent || !n.looked.Before(start))
	changed := known && !slices.Equal(current, n.last)
	n.looked, n.last = now, current
	if changed {
		n.changed = now
	}
	return changed
}

// prefixes are the addresses by which a machine is reached from elsewhere. Of IPv6 it is the network: temporary addresses (RFC 8981) come and go
// on one that stays.
func (n *network) prefixes() ([]netip.Prefix, error) {
	addresses, err := n.addresses()
	if err != nil {
		return nil, err
	}
	var prefixes []netip.Prefix
	for _, a := range addresses {
		ipnet, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(ipnet.IP)
		if ip = ip.Unmap(); !ok || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
			continue
		}
		bits := 32
		if ip.Is6() {
			bits = 64
		}
		prefixes = append(prefixes, netip.PrefixFrom(ip, bits).Masked())
	}
	slices.SortFunc(prefixes, netip.Prefix.Compare)
	return slices.Compact(prefixes), nil
}
