// Package tcpprobe connects by TCP, and that is all.
package tcpprobe

import (
	"context"
	"net/netip"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/report"
)

// Name is the kind's.
const Name = "tcp"

// Kind is chosen by the key "tcp".
var Kind = probe.Kind{Name: Name, Key: "tcp", New: func() probe.Spec { return new(Options) }}

// Options are a [probe.Spec]. The steps of an attempt are those of package conn, without TLS.
type Options struct {
	Target string `yaml:"tcp"` // host:port; required

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
	return d.Func(func(ctx context.Context, a *probe.Attempt, server netip.AddrPort) error {
		c, err := d.Connect(ctx, a, server)
		if err == nil {
			_ = c.Close() // nothing was written, so nothing can be lost
		}
		return err
	}, classify), nil
}

func classify(step string, err error) report.Outcome {
	if outcome := conn.Classify(step, err); outcome != "" {
		return outcome
	}
	return report.Unknown
}
