package prober

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// NewProbe makes the probe that t describes; t.Probe itself if there is one. dialer gives source
// address, resolver and socket options; nil: the system's. Its time limits apply beside the
// context's. The probe is safe for concurrent use.
//
// A name is looked up once (the resolver may repeat its query, as resolv.conf says) and the first
// address is tried, no other: list every address that matters as a target of its own.
func NewProbe(t Target, dialer *net.Dialer) (Probe, error) {
	if err := t.validate(); err != nil {
		return nil, err
	}
	if t.Probe != nil {
		return t.Probe, nil
	}
	d, err := newDial(&t, dialer)
	if err != nil {
		return nil, err
	}
	if t.kind() == KindTCP {
		return d.probeTCP, nil
	}
	h, err := newHTTPProbe(&t, d)
	if err != nil {
		return nil, err
	}
	return h.probe, nil
}

// dial knows how to reach one target. It does not change once made.
type dial struct {
	dialer net.Dialer
	host   string     // name to look up, if ip is not valid
	ip     netip.Addr // the target's, when it is told as such
	port   uint16
}

func newDial(t *Target, dialer *net.Dialer) (*dial, error) {
	address, err := t.dialAddress()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return nil, errors.New("address: want host:port")
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return nil, errors.New("address: want a port of 1 to 65535")
	}
	d := &dial{host: host, port: uint16(number)}
	if dialer != nil {
		d.dialer = *dialer
	}
	d.dialer.KeepAlive = -1 // the connection does not live long enough
	if ip, err := netip.ParseAddr(host); err == nil {
		d.ip = ip.Unmap()
	}
	return d, nil
}

// probeTCP is the Probe of KindTCP.
func (d *dial) probeTCP(ctx context.Context) (Result, error) {
	a := newAttempt()
	conn, err := d.connect(ctx, a)
	if err != nil {
		return a.end(ctx, err)
	}
	_ = conn.Close() // nothing was written, so nothing can be lost
	return a.end(ctx, nil)
}

// connect looks the name up, if it is one, and connects to its first address.
func (d *dial) connect(ctx context.Context, a *attempt) (net.Conn, error) {
	ip := d.ip
	if !ip.IsValid() {
		a.enter(PhaseDNS)
		found, err := d.resolver().LookupNetIP(ctx, "ip", d.host)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, &net.DNSError{Err: "no address", IsNotFound: true}
		}
		ip = found[0].Unmap()
	}
	server := netip.AddrPortFrom(ip, d.port).String()
	a.result.Server = server
	a.enter(PhaseConnect)
	return d.dialer.DialContext(ctx, "tcp", server)
}

func (d *dial) resolver() *net.Resolver {
	if d.dialer.Resolver != nil {
		return d.dialer.Resolver
	}
	return net.DefaultResolver
}

// attempt gathers the result of one attempt. One goroutine uses it.
type attempt struct {
	result Result
	since  time.Time // when the present phase began
}

func newAttempt() *attempt {
	now := time.Now()
	return &attempt{result: Result{Started: now.Round(0)}, since: now}
}

// enter ends the present phase and begins another.
func (a *attempt) enter(p Phase) {
	a.leave()
	a.result.Phase = p
}

// leave books the time since the last call on the present phase.
func (a *attempt) leave() {
	now := time.Now()
	d := now.Sub(a.since)
	a.since = now
	switch t := &a.result.Timings; a.result.Phase {
	case PhaseDNS:
		t.DNS += d
	case PhaseConnect:
		t.Connect += d
	case PhaseTLS:
		t.TLS += d
	case PhaseFirstByte:
		t.FirstByte += d
	case PhaseBody:
		t.Body += d
	}
}

// end closes the last phase and names the outcome of err, nil for success.
func (a *attempt) end(ctx context.Context, err error) (Result, error) {
	a.leave()
	if err == nil {
		if a.result.Outcome == "" {
			a.result.Outcome = report.OK
		}
		return a.result, nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return Result{}, ctx.Err()
	}
	if local := localFault(err); local != nil {
		return Result{}, local
	}
	a.result.Outcome = classify(a.result.Phase, err)
	return a.result, nil
}
