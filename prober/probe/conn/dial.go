// Package conn is for kinds of probe that connect to a server. It looks up the name, makes an
// attempt at each of its addresses, connects, makes the TLS handshake, measures each step, and
// classifies errors. Start with [NewDialer] and [Dialer.Func].
package conn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/assert"
	"github.com/heliograph-net/heliograph/report"
)

// The steps of this package, in order.
const (
	// looking up the name's addresses; skipped if the target is an IP address
	StepDNS     = probe.StepDNS
	StepConnect = "connect" // the TCP handshake
	StepTLS     = "tls"     // the TLS handshake
)

// Dialer knows how to reach one target. It is immutable and safe for concurrent use.
type Dialer struct {
	dialer    net.Dialer
	host      string     // the name to look up if ip is not valid
	ip        netip.Addr // the target, if it is an IP address
	port      uint16
	addresses Addresses
	rules     []*assert.Rule // that must be true of an answer
}

// NewDialer returns a Dialer for address, which is host:port with a numeric port.
func NewDialer(address string, addresses Addresses, env probe.Env) (*Dialer, error) {
	if address == "" {
		return nil, errors.New("address: missing; write host:port")
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return nil, errors.New("address: want host:port")
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return nil, errors.New("address: want a port of 1 to 65535")
	}
	return newDialer(host, uint16(number), addresses, env)
}

// NewHostDialer returns a Dialer for a host without a port. It cannot connect by TCP.
func NewHostDialer(host string, addresses Addresses, env probe.Env) (*Dialer, error) {
	if host == "" {
		return nil, errors.New("address: missing; write a name or an IP address")
	}
	return newDialer(host, 0, addresses, env)
}

func newDialer(host string, port uint16, addresses Addresses, env probe.Env) (*Dialer, error) {
	if err := addresses.validate(); err != nil {
		return nil, err
	}
	rules, key, err := addresses.assertions()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	d := &Dialer{host: host, port: port, addresses: addresses, rules: rules}
	if env.Dialer != nil {
		d.dialer = *env.Dialer
	}
	if addresses.Source != "" {
		d.dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(addresses.Source)}
	}
	d.dialer.KeepAlive = -1 // the connection does not live long enough
	if ip, err := netip.ParseAddr(host); err == nil {
		d.ip = ip.Unmap()
		if addresses.Rule == BothFamilies {
			return nil, errors.New("addresses: both families need a name, not an IP address")
		}
	}
	return d, nil
}

// Try makes an attempt at one address. It enters the steps after the lookup and records in a.Result
// what it learns.
type Try func(ctx context.Context, a *probe.Attempt, server netip.AddrPort) error

// Func returns a probe that looks up the target, if it is a name, and makes one attempt at each of
// its addresses, as the rule of [Addresses] says. The result is that of the deciding attempt. The
// name is looked up once per attempt, though the resolver may repeat its query as resolv.conf says.
func (d *Dialer) Func(try Try, classify func(step string, err error) report.Outcome) probe.Func {
	one := func(ctx context.Context, a *probe.Attempt, ip netip.Addr) (probe.Result, error) {
		server := netip.AddrPortFrom(ip, d.port)
		a.Result.Server = server.String()
		err := try(ctx, a, server)
		if err == nil {
			d.assert(ctx, a)
		}
		return a.End(ctx, err, classify)
	}
	all := func(ctx context.Context) (probe.Result, error) {
		a := probe.BeginIn(ctx)
		if d.ip.IsValid() {
			return one(ctx, a, d.ip)
		}
		found, err := d.lookUp(ctx, a)
		if err != nil {
			return a.End(ctx, err, classify)
		}
		if len(found) == 1 {
			return one(ctx, a, found[0])
		}
		f := d.addresses.judge(ctx, found, func(ctx context.Context, ip netip.Addr) (f finding) {
			f.result, f.err = one(ctx, a.Fork(), ip)
			return f
		})
		return f.result, f.err
	}
	if len(d.rules) == 0 {
		return all
	}
	return func(ctx context.Context) (probe.Result, error) {
		r, err := all(probe.WithFacts(ctx))
		if r.Facts = (probe.Facts{}); !probe.WantsDetails(ctx) {
			r.Details = nil
		}
		return r, err
	}
}

// assert checks the assertions, each in a step of its own, if a has succeeded so far. It ends with
// the first that is not true.
func (d *Dialer) assert(ctx context.Context, a *probe.Attempt) {
	if len(d.rules) == 0 || a.Result.Outcome != "" && a.Result.Outcome != report.OK {
		return
	}
	a.Enter(assertionStep(0)) // which ends the step before
	variables := assert.Of(&a.Result)
	for i, rule := range d.rules {
		if i > 0 {
			a.Enter(assertionStep(i))
		}
		if holds, err := rule.Holds(ctx, variables); err != nil || !holds {
			a.Result.Outcome = report.AssertionFailed
			return
		}
	}
}

func assertionStep(i int) string { return fmt.Sprintf("assert[%d]", i) }

// First looks up the target, if it is a name, and returns its first address.
func (d *Dialer) First(ctx context.Context, a *probe.Attempt) (netip.AddrPort, error) {
	ip := d.ip
	if !ip.IsValid() {
		all, err := d.lookUp(ctx, a)
		if err != nil {
			return netip.AddrPort{}, err
		}
		ip = all[0]
	}
	server := netip.AddrPortFrom(ip, d.port)
	a.Result.Server = server.String()
	return server, nil
}

// lookUp looks up the addresses to try in the step StepDNS of a.
func (d *Dialer) lookUp(ctx context.Context, a *probe.Attempt) ([]netip.Addr, error) {
	a.Enter(StepDNS)
	resolver := net.DefaultResolver
	if d.dialer.Resolver != nil {
		resolver = d.dialer.Resolver
	}
	found, err := resolver.LookupNetIP(ctx, "ip", d.host)
	if err != nil {
		return nil, err
	}
	return d.addresses.choose(found)
}

// Connect connects to server by TCP in the step [StepConnect] of a. The connection fails
// when ctx ends.
func (d *Dialer) Connect(ctx context.Context, a *probe.Attempt, server netip.AddrPort) (net.Conn, error) {
	a.Enter(StepConnect)
	c, err := d.dialer.DialContext(ctx, "tcp", server.String())
	if err != nil {
		return nil, err
	}
	return bind(ctx, c), nil
}

// Source returns the address of this machine to probe from, or nil for the system's choice.
func (d *Dialer) Source() net.IP {
	if local, ok := d.dialer.LocalAddr.(*net.TCPAddr); ok {
		return local.IP
	}
	return nil
}

// DialUDP returns a socket that exchanges datagrams with server. Its calls fail when ctx ends.
func (d *Dialer) DialUDP(ctx context.Context, server netip.AddrPort) (net.Conn, error) {
	dialer := d.dialer
	if local, ok := dialer.LocalAddr.(*net.TCPAddr); ok {
		dialer.LocalAddr = &net.UDPAddr{IP: local.IP, Zone: local.Zone}
	}
	c, err := dialer.DialContext(ctx, "udp", server.String())
	if err != nil {
		return nil, err
	}
	return bind(ctx, c), nil
}

// bound is a connection that fails when a context ends.
type bound struct {
	net.Conn
	stop func() bool
}

// bind returns c, changed so that its pending and later calls fail when ctx ends.
func bind(ctx context.Context, c net.Conn) net.Conn {
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(deadline) // fails only on a closed connection
	}
	return &bound{c, context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })}
}

// Close implements [net.Conn].
func (b *bound) Close() error {
	b.stop()
	return b.Conn.Close()
}
