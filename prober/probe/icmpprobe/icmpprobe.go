// Package icmpprobe probes by an ICMP echo request: a ping. Start with [Options].
package icmpprobe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/report"
)

// Name is the name of this kind of probe.
const Name = "icmp"

// Kind is this kind of probe, which a configuration selects by the key "icmp".
var Kind = probe.Kind{Name: Name, Key: "icmp", New: func() probe.Spec { return new(Options) }}

// StepEcho is the step after the lookup, in which the request is sent and the reply received.
const StepEcho = "echo"

// DefaultPayload is how many bytes a request carries by default, as with the command ping.
const DefaultPayload = 56

const (
	minPayload = tokenSize
	maxPayload = 1400
)

// Options are a [probe.Spec]. The machine must allow the prober to use ICMP. On Linux, either
// net.ipv4.ping_group_range must include its group, which covers IPv6 too, or the prober
// needs CAP_NET_RAW.
type Options struct {
	Host string `yaml:"icmp"` // name or IP address; required

	// Payload is how many bytes a request carries, 16 to 1400. 0: DefaultPayload.
	Payload int `yaml:"payload_size"`

	// TTL is the hop limit of a request, 1 to 255. 0: the system's.
	TTL int `yaml:"ttl"`

	conn.Addresses `yaml:",inline"`
}

// Kind implements [probe.Spec].
func (o *Options) Kind() string { return Name }

// Address implements [probe.Spec]. It returns a host without a port.
func (o *Options) Address() string { return o.Host }

// Probe implements [probe.Spec]. It returns an error if the machine does not allow ICMP.
func (o *Options) Probe(env probe.Env) (probe.Func, error) {
	payload := o.Payload
	if payload == 0 {
		payload = DefaultPayload
	}
	d, err := conn.NewHostDialer(o.Host, o.Addresses, env)
	if payload < minPayload || payload > maxPayload {
		err = errors.Join(err, fmt.Errorf("payload_size: want %d to %d", minPayload, maxPayload))
	}
	if o.TTL < 0 || o.TTL > 255 {
		err = errors.Join(err, errors.New("ttl: want 1 to 255"))
	}
	if err != nil {
		return nil, err
	}
	trial, err := open(netip.IPv4Unspecified(), nil)
	if err != nil {
		return nil, err
	}
	_ = trial.Close() // nothing was sent
	return d.Func(func(ctx context.Context, a *probe.Attempt, server netip.AddrPort) error {
		a.Result.Server = server.Addr().String()
		a.Enter(StepEcho)
		return ping(ctx, a, server.Addr(), request{from: d.Source(), payload: payload, ttl: o.TTL})
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
