// Package tlsprobe probes by a TLS handshake. It verifies the server's certificate and warns before
// the certificate expires. Start with [Options].
package tlsprobe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/report"
)

// Name is the name of this kind of probe.
const Name = "tls"

// Kind is this kind of probe, which a configuration selects by the key "certificate".
var Kind = probe.Kind{Name: Name, Key: "certificate", New: func() probe.Spec { return new(Options) }}

// Options are a [probe.Spec]. The steps of an attempt are those of package conn. If Protocols is
// not empty, the result has the protocol that the server chose.
type Options struct {
	Target string `yaml:"certificate"` // host:port; required

	TLS conn.TLSOptions `yaml:"tls_config"`

	// Protocols are the ALPN ids to offer, such as "h2". A server that supports ALPN but none of
	// them refuses the handshake. Empty: none.
	Protocols []string `yaml:"alpn"`

	conn.Addresses `yaml:",inline"`
}

// Kind implements [probe.Spec].
func (o *Options) Kind() string { return Name }

// Address implements [probe.Spec].
func (o *Options) Address() string { return o.Target }

// Probe implements [probe.Spec].
func (o *Options) Probe(env probe.Env) (probe.Func, error) {
	d, err := conn.NewDialer(o.Target, o.Addresses, env)
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(o.Target) // NewDialer has checked it
	secure, err := o.TLS.Secure(host, env, o.Protocols...)
	if err := errors.Join(err, o.protocolFault()); err != nil {
		return nil, err
	}
	return d.Func(func(ctx context.Context, a *probe.Attempt, server netip.AddrPort) error {
		c, err := d.Connect(ctx, a, server)
		if err != nil {
			return err
		}
		defer c.Close() // nothing was written, so nothing can be lost
		secured, err := secure.Handshake(ctx, a, c)
		if err == nil {
			a.Result.Protocol = secured.ConnectionState().NegotiatedProtocol
		}
		return err
	}, classify), nil
}

func (o *Options) protocolFault() error {
	for i, p := range o.Protocols {
		if p == "" || len(p) > 255 {
			return fmt.Errorf("alpn[%d]: want 1 to 255 bytes", i)
		}
	}
	return nil
}

func classify(step string, err error) report.Outcome {
	if outcome := conn.Classify(step, err); outcome != "" {
		return outcome
	}
	return report.Unknown
}
