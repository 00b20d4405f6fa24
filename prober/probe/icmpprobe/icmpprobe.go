// Package icmpprobe sends an ICMP echo request: a ping.
package icmpprobe

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

// Name is the kind's.
const Name = "icmp"

// Kind is chosen by the key "icmp".
var Kind = probe.Kind{Name: Name, Key: "icmp", New: func() probe.Spec { return new(Options) }}

// StepEcho is the step of an attempt after the lookup: the request is sent and the reply awaited.
const StepEcho = "echo"

// DefaultPayload is how many bytes a request carries, as ping does.
const DefaultPayload = 56

const (
	minPayload = tokenSize
	maxPayload = 1400
)

// Options are a [probe.Spec]. This machine must allow ICMP to the prober: on Linux either by
// net.ipv4.ping_group_range, which also is about IPv6, or by CAP_NET_RAW.
type Options struct {
	Host string `yaml:"icmp"` // name or IP address; required

	// Payload is how many bytes a request carries, 16 to 1400. 0: DefaultPayload.
	Payload int `yaml:"payload_size"`

	conn.Addresses `yaml:",inline"`
}

// Kind implements [probe.Spec].
func (o *Options) Kind() string { return Name }

// Address implements [probe.Spec]. It has no port.
func (o *Options) Address() string { return o.Host }

// Probe implements [probe.Spec]. It is an error if this machine does not allow ICMP.
func (o *Options) Probe(env probe.Env) (probe.Func, error) {
	payload := o.Payload
	if payload == 0 {
		payload = DefaultPayload
	}
	d, err := conn.NewHostDialer(o.Host, o.Addresses, env)
	if payload < minPayload || payload > maxPayload {
		err = errors.Join(err, fmt.Errorf("payload_size: want %d to %d", minPayload, maxPayload))
	}
	if err != nil {
		return nil, err
	}
	var from net.IP
	if env.Dialer != nil {
		if local, ok := env.Dialer.LocalAddr.(*net.TCPAddr); ok {
			from = local.IP
		}
	}
	trial, err := open(netip.IPv4Unspecified(), nil)
	if err != nil {
		return nil, err
	}
	_ = trial.Close() // nothing was sent
	return d.Func(func(ctx context.Context, a *probe.Attempt, server netip.AddrPort) error {
		a.Result.Server = server.Addr().String()
		a.Enter(StepEcho)
		return ping(ctx, server.Addr(), from, payload)
	}, classify), nil
}

func classify(step string, err error) report.Outcome {
	if step != StepEcho {
		return conn.Classify(step, err)
	}
	if errors.Is(err, errUnreachable) {
		return report.ICMPAddressUnreachable
	}
	switch conn.ClassifyUDP(err) {
	case report.UDPTimedOut:
		return report.ICMPTimedOut
	case report.UDPAddressUnreachable:
		return report.ICMPAddressUnreachable
	}
	return report.ICMPFailed
}
