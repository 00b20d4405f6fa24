package httpagent

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// network notices that the machine's network has changed, by the addresses of its interfaces. It
// looks when a request fails, and now and then when one begins, so that it needs no goroutine. What
// keeps all its addresses, such as another network with the same private ones, goes unnoticed.
type network struct {
	addresses func() ([]net.Addr, error) // the interfaces'

	mu      sync.Mutex
	looked  time.Time      // zero: never
	failed  time.Time      // looked because of a failure
	last    []netip.Prefix // what was seen
	changed time.Time      // when a change was noticed last
}

// How often it looks: that costs some system calls.
const (
	lookFailed = time.Second      // at most, when requests fail
	lookBegun  = 10 * time.Second // at most, when requests begin
	lookRecent = time.Minute      // of a change since an older look nobody knows when it was
)

func newNetwork() *network { return &network{addresses: net.InterfaceAddrs} }

// watchNetwork is called when a request begins that is traced.
func (rt *roundTripper) watchNetwork() {
	now := time.Now()
	if rt.network.begun(now) {
		rt.agent.NetworkChanged()
	}
}

// networkChanged is called when a request fails that began at start. It reports whether the network
// has changed since.
func (rt *roundTripper) networkChanged(start, now time.Time) bool {
	noticed, since := rt.network.ended(start, now)
	if noticed {
		rt.agent.NetworkChanged()
	}
	return since
}

func (n *network) begun(now time.Time) (noticed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return now.Sub(n.looked) >= lookBegun && n.look(now, now)
}

func (n *network) ended(start, now time.Time) (noticed, since bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.failed) >= lookFailed {
		n.failed = now
		noticed = n.look(start, now)
	}
	return noticed, n.changed.After(start)
}

// look reports whether the network has changed since the last look, which must have been within a
// minute, or not before start: else nobody can tell what the change has to do with what happens
// now. The caller holds mu.
func (n *network) look(start, now time.Time) bool {
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

// prefixes are the addresses by which a machine is reached from elsewhere. Of IPv6 it is the
// network: temporary addresses (RFC 8981) come and go on one that stays.
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
