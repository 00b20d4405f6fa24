// Package conn is for kinds of probe that connect by TCP: it looks a name up, connects, secures the
// connection, keeps the time of each step, and names what goes wrong.
package conn

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"

	"github.com/heliograph-net/heliograph/prober/probe"
)

// The steps of this package, in order.
const (
	// the name's address is looked up; not for a target that is an IP address
	StepDNS     = "dns"
	StepConnect = "connect" // the TCP handshake
	StepTLS     = "tls"     // the TLS handshake
)

// Dialer knows how to reach one address. It does not change once made, and is safe for concurrent
// use.
type Dialer struct {
	dialer net.Dialer
	host   string     // name to look up, if ip is not valid
	ip     netip.Addr // the target's, when it is told as such
	port   uint16
}

// NewDialer returns a Dialer for address, host:port with a port in digits.
func NewDialer(address string, env probe.Env) (*Dialer, error) {
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
	d := &Dialer{host: host, port: uint16(number)}
	if env.Dialer != nil {
		d.dialer = *env.Dialer
	}
	d.dialer.KeepAlive = -1 // the connection does not live long enough
	if ip, err := netip.ParseAddr(host); err == nil {
		d.ip = ip.Unmap()
	}
	return d, nil
}

// Connect looks the name up, if it is one, and connects to its first address, in the steps StepDNS
// and StepConnect of a. A name is looked up once (the resolver may repeat its query, as resolv.conf
// says) and no other address is tried: list every address that matters as a target of its own.
func (d *Dialer) Connect(ctx context.Context, a *probe.Attempt) (net.Conn, error) {
	ip := d.ip
	if !ip.IsValid() {
		a.Enter(StepDNS)
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
	a.Result.Server = server
	a.Enter(StepConnect)
	return d.dialer.DialContext(ctx, "tcp", server)
}

func (d *Dialer) resolver() *net.Resolver {
	if d.dialer.Resolver != nil {
		return d.dialer.Resolver
	}
	return net.DefaultResolver
}
