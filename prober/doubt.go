package prober

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// Causes of inconclusive attempts, as in heliograph_prober_inconclusive_total.
const (
	causeMachine  = "machine"  // out of descriptors or ports, forbidden, or the probe panicked
	causeResolver = "resolver" // no name server of this machine can be reached, or answers
	causeUplink   = "uplink"   // this machine has no address of the target's family
	causeClock    = "clock"    // the clock is off, so that dates of certificates cannot be judged
	causeWitness  = "witness"  // no witness answers either
)

var causes = []string{causeMachine, causeResolver, causeUplink, causeClock, causeWitness}

// doubt is why an attempt counts neither for nor against its target. It wraps [ErrInconclusive] and
// the error that is its reason, if there is one.
type doubt struct {
	cause  string
	text   string
	reason error
}

func (d *doubt) Error() string {
	if d.reason != nil {
		return fmt.Sprintf("%v: %v", ErrInconclusive, d.reason)
	}
	return fmt.Sprintf("%v: %s", ErrInconclusive, d.text)
}

func (d *doubt) Unwrap() []error { return []error{ErrInconclusive, d.reason} }

// unreachable are the outcomes of an address to which this machine has no route, or a router none.
var unreachable = []report.Outcome{report.TCPAddressUnreachable, report.UDPAddressUnreachable, report.ICMPAddressUnreachable}

// Doubt returns why a failed attempt may be this machine's own fault and says nothing about the
// target, or nil. The error wraps [ErrInconclusive]. Doubt does not ask the witnesses, see
// [Prober.Vouch]. If a lookup timed out or failed, it asks this machine's name servers whether they
// answer at all. It is safe for concurrent use, during Run and without it.
func (p *Prober) Doubt(ctx context.Context, r *probe.Result) error {
	switch {
	case r.OwnResolver():
		return &doubt{cause: causeResolver, text: "no name server of this machine can be reached"}
	case (r.Outcome == report.DNSTimedOut || r.Outcome == report.DNSFailed) && r.Ended() == probe.StepDNS:
		if !p.names.works(ctx) {
			return &doubt{cause: causeResolver, text: "no name server of this machine answers"}
		}
		return nil
	case r.Outcome == report.TLSCertDateInvalid && p.clock.wrong():
		return &doubt{cause: causeClock, text: fmt.Sprintf("this machine's clock is off by about %v", p.clock.off().Round(time.Second))}
	case !slices.Contains(unreachable, r.Outcome):
		return nil
	}
	if ip := addressOf(r.Server); ip.IsGlobalUnicast() && !p.uplink.has(ip.Is4()) {
		return &doubt{cause: causeUplink, text: fmt.Sprintf("this machine has no IPv%d address besides its own loopback", probe.Family(r.Server))}
	}
	return nil
}

// addressOf returns the IP address of a server, with or without a port. Otherwise it is invalid.
func addressOf(server string) netip.Addr {
	if both, err := netip.ParseAddrPort(server); err == nil {
		return both.Addr().Unmap()
	}
	ip, err := netip.ParseAddr(server)
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap()
}

// uplink knows of which families this machine has addresses. It is safe for concurrent use.
type uplink struct {
	addresses func() ([]net.Addr, error) // of all interfaces that are up

	mu     sync.Mutex // guards the fields below
	looked time.Time
	v4, v6 bool
}

// uplinkFresh is how long what the uplink knows is valid.
const uplinkFresh = time.Second

// has reports whether this machine has a global address of a family. If it cannot tell, it has one.
func (u *uplink) has(v4 bool) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now := time.Now(); now.Sub(u.looked) >= uplinkFresh {
		u.look()
		u.looked = now
	}
	if v4 {
		return u.v4
	}
	return u.v6
}

func (u *uplink) look() {
	all, err := u.addresses()
	u.v4, u.v6 = err != nil, err != nil
	for _, a := range all {
		prefix, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, _ := netip.AddrFromSlice(prefix.IP)
		if ip = ip.Unmap(); ip.IsGlobalUnicast() {
			u.v4 = u.v4 || ip.Is4()
			u.v6 = u.v6 || ip.Is6()
		}
	}
}

// addressesUp returns the addresses of the interfaces that are up.
func addressesUp() (all []net.Addr, err error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for i := range interfaces {
		if interfaces[i].Flags&net.FlagUp == 0 {
			continue
		}
		addresses, err := interfaces[i].Addrs()
		if err != nil {
			return nil, err
		}
		all = append(all, addresses...)
	}
	return all, nil
}
