package httpagent

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// network notices changes of the machine's network by the addresses of its interfaces. It checks
// them when a request fails, and now and then when one begins, so it needs no goroutine. A change
// that keeps all addresses, such as to another network with the same private addresses,
// goes unnoticed.
type network struct {
	addresses func() ([]net.Addr, error) // of the interfaces

	mu      sync.Mutex
	looked  time.Time      // zero: never
	failed  time.Time      // when it last looked because of a failure
	last    []netip.Prefix // what it saw then
	changed time.Time      // when it last noticed a change
}

// How often network looks, because looking costs some system calls.
const (
	lookFailed = time.Second      // shortest interval when requests fail
	lookBegun  = 10 * time.Second // shortest interval when requests begin
	lookRecent = time.Minute      // longest interval in which a change can still be dated
)

func newNetwork() *network { return &network{addresses: net.InterfaceAddrs} }

// watchNetwork is called when a traced request begins.
func (rt *roundTripper) watchNetwork() {
	now := time.Now()
	if rt.network.begun(now) {
		rt.agent.NetworkChanged()
	}
}

// networkChanged is called when a request that began at start fails. It reports whether the network
// has changed since then.
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

// look reports whether the network has changed since the last look. That look must have been within
// a minute or after start, because otherwise the change may be unrelated to the request. The
// caller holds mu.
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

// prefixes returns the addresses of the machine that can be reached from elsewhere. Of an IPv6
// address it returns the network, because temporary addresses (RFC 8981) change within the
// same network.
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
