// Package grpcprobe probes a gRPC server by asking for its health (grpc.health.v1). Start
// with [Options].
package grpcprobe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"golang.org/x/net/http/httpguts"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/conn/httpconn"
	"github.com/heliograph-net/heliograph/report"
)

// Name is the name of this kind of probe.
const Name = "grpc"

// Kind is this kind of probe, which a configuration selects by the key "grpc".
var Kind = probe.Kind{Name: Name, Key: "grpc", New: func() probe.Spec { return new(Options) }}

// StepCheck is the step after those of package conn, in which the call is made and its
// response read.
const StepCheck = "check"

// maxService is the longest name of a service, in bytes.
const maxService = 1024

// Options are a [probe.Spec].
type Options struct {
	Target string `yaml:"grpc"` // host:port; required

	// Service is the name of the service to ask about. Empty: the server as a whole.
	Service string `yaml:"service"`

	// Metadata is sent with the call, in addition to what gRPC needs.
	Metadata map[string][]string `yaml:"metadata"`

	Secure bool            `yaml:"tls"`        // use TLS
	TLS    conn.TLSOptions `yaml:"tls_config"` // for Secure

	conn.Addresses `yaml:",inline"`
}

// Kind implements [probe.Spec].
func (o *Options) Kind() string { return Name }

// Address implements [probe.Spec].
func (o *Options) Address() string { return o.Target }

// Probe implements [probe.Spec].
func (o *Options) Probe(env probe.Env) (probe.Func, error) {
	d, err := conn.NewDialer(o.Target, o.Addresses, env)
	if len(o.Service) > maxService {
		err = errors.Join(err, errors.New("service: longer than 1024 bytes"))
	}
	if err != nil {
		return nil, err
	}
	p := &grpcProbe{dialer: d, authority: o.Target, message: healthRequest(o.Service), metadata: o.Metadata}
	for name, values := range o.Metadata {
		for _, value := range values {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
				return nil, fmt.Errorf("metadata: %q is not valid", name)
			}
		}
	}
	if o.Secure {
		host, _, _ := net.SplitHostPort(o.Target) // NewDialer has checked it
		if p.secure, err = o.TLS.Secure(host, env, "h2"); err != nil {
			return nil, err
		}
	}
	return d.Func(p.try, classify), nil
}

type grpcProbe struct {
	dialer    *conn.Dialer
	secure    *conn.Secure // nil: no TLS
	authority string
	message   []byte
	metadata  map[string][]string
}

// try makes an attempt at one address.
func (p *grpcProbe) try(ctx context.Context, a *probe.Attempt, server netip.AddrPort) error {
	c, err := p.dialer.Connect(ctx, a, server)
	if err != nil {
		return err
	}
	defer c.Close() // an error changes nothing: the outcome is known by then
	c = httpconn.Watch(c)
	if p.secure != nil {
		secured, err := p.secure.Handshake(ctx, a, c)
		if err != nil {
			return err
		}
		if secured.ConnectionState().NegotiatedProtocol != "h2" {
			a.Result.Outcome = report.H2ProtocolError
			return nil
		}
		c = secured
		a.Detail("grpc_ssl", 1, nil)
	}
	a.Enter(StepCheck)
	return p.check(ctx, a, c)
}

func classify(step string, err error) report.Outcome {
	if outcome := conn.Classify(step, err); outcome != "" {
		return outcome
	}
	if outcome := httpconn.Classify(err); outcome != "" {
		return outcome
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return report.TCPClosed
	}
	return report.GRPCFailed
}
