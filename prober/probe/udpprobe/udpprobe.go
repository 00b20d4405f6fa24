// Package udpprobe probes by sending a datagram and waiting for the answer. Start with [Options].
package udpprobe

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"regexp"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/report"
)

// Name is the name of this kind of probe.
const Name = "udp"

// Kind is this kind of probe, which a configuration selects by the key "udp".
var Kind = probe.Kind{Name: Name, Key: "udp", New: func() probe.Spec { return new(Options) }}

// StepExchange is the step after the lookup, in which the datagram is sent and the answer received.
const StepExchange = "exchange"

// maxDatagram is the length of the longest datagram that may be sent, in bytes. It passes every
// path without fragmentation.
const maxDatagram = 1232

// Options are a [probe.Spec].
type Options struct {
	Target string `yaml:"udp"` // host:port; required

	// Send is the datagram, 1 to 1232 bytes. It must be one that the server answers, because no
	// answer looks like a lost datagram.
	Send string `yaml:"send"`

	// SendHex is the datagram in hexadecimal, instead of Send.
	SendHex string `yaml:"send_hex"`

	// Expect is a regular expression that the answer must match. Empty: any answer will do.
	Expect string `yaml:"expect"`

	conn.Addresses `yaml:",inline"`
}

// Kind implements [probe.Spec].
func (o *Options) Kind() string { return Name }

// Address implements [probe.Spec].
func (o *Options) Address() string { return o.Target }

// Probe implements [probe.Spec].
func (o *Options) Probe(env probe.Env) (probe.Func, error) {
	d, err := conn.NewDialer(o.Target, o.Addresses, env)
	datagram, hexErr := hex.DecodeString(o.SendHex)
	switch {
	case hexErr != nil:
		err = errors.Join(err, errors.New("send_hex: want pairs of hexadecimal digits"))
	case o.Send != "" && o.SendHex != "":
		err = errors.Join(err, errors.New("send: give only one of send and send_hex"))
	case o.Send != "":
		datagram = []byte(o.Send)
	}
	if len(datagram) == 0 || len(datagram) > maxDatagram {
		err = errors.Join(err, fmt.Errorf("send: want 1 to %d bytes", maxDatagram))
	}
	expect, expectErr := regexp.Compile(o.Expect)
	if expectErr != nil {
		err = errors.Join(err, fmt.Errorf("expect: %w", expectErr))
	}
	if err != nil {
		return nil, err
	}
	return d.Func(func(ctx context.Context, a *probe.Attempt, server netip.AddrPort) error {
		a.Enter(StepExchange)
		c, err := d.DialUDP(ctx, server)
		if err != nil {
			return err
		}
		defer c.Close() // an error changes nothing: the outcome is known by then
		if _, err := c.Write(datagram); err != nil {
			return err
		}
		answer := make([]byte, 64<<10)
		n, err := c.Read(answer)
		if err == nil && !expect.Match(answer[:n]) {
			a.Result.Outcome = report.UDPAnswerUnexpected
		}
		return err
	}, classify), nil
}

func classify(step string, err error) report.Outcome {
	if step == StepExchange {
		return conn.ClassifyUDP(err)
	}
	return conn.Classify(step, err)
}
