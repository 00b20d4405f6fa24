// Package tcpprobe probes by connecting over TCP. It can then exchange lines with the server. Start
// with [Options].
package tcpprobe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/report"
)

// Name is the name of this kind of probe.
const Name = "tcp"

// Kind is this kind of probe, which a configuration selects by the key "tcp".
var Kind = probe.Kind{Name: Name, Key: "tcp", New: func() probe.Spec { return new(Options) }}

// Options are a [probe.Spec]. The steps of an attempt are those of package conn and StepDialogue.
type Options struct {
	Target string `yaml:"tcp"` // host:port; required

	Secure bool            `yaml:"tls"`        // make a TLS handshake first
	TLS    conn.TLSOptions `yaml:"tls_config"` // for Secure and STARTTLS

	// StartTLS is smtp, imap, pop3 or ftp: before the Dialogue, make a TLS handshake as that
	// protocol does. Empty: do not.
	StartTLS string `yaml:"starttls"`

	Dialogue []Turn `yaml:"query_response"` // empty: send nothing

	conn.Addresses `yaml:",inline"`
}

// Turn is a part of a dialogue: it waits for a line, then sends a line, then makes a TLS handshake.
// Each is optional.
type Turn struct {
	// Expect is a regular expression. Lines are read until one matches. Empty: do not read.
	Expect string `yaml:"expect"`

	// Send is sent, followed by a line feed. $1, ${name} and so on stand for the submatches of
	// Expect. Empty: send nothing.
	Send string `yaml:"send"`

	StartTLS bool `yaml:"starttls"`
}

// protocols has the dialogues that lead to a TLS handshake.
var protocols = map[string][]Turn{
	"smtp": {{Expect: "^220[ -]", Send: "EHLO prober\r"}, {Expect: "^250 ", Send: "STARTTLS\r"}, {Expect: "^220 ", StartTLS: true}},
	"imap": {{Expect: `^\* OK`, Send: "a STARTTLS\r"}, {Expect: "^a OK", StartTLS: true}},
	"pop3": {{Expect: `^\+OK`, Send: "STLS\r"}, {Expect: `^\+OK`, StartTLS: true}},
	"ftp":  {{Expect: "^220 ", Send: "AUTH TLS\r"}, {Expect: "^234 ", StartTLS: true}},
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
	p := &tcpProbe{dialer: d, atOnce: o.Secure}
	host, _, _ := net.SplitHostPort(o.Target) // NewDialer has checked it
	p.secure, err = o.TLS.Secure(host, env)
	prelude, known := protocols[o.StartTLS]
	if !known && o.StartTLS != "" {
		err = errors.Join(err, errors.New("starttls: want smtp, imap, pop3 or ftp"))
	}
	if o.Secure && o.StartTLS != "" {
		err = errors.Join(err, errors.New("starttls: the connection is secured already, by tls"))
	}
	p.turns, _ = compile(prelude)
	more, turnErr := compile(o.Dialogue)
	if err := errors.Join(err, turnErr); err != nil {
		return nil, err
	}
	p.turns = append(p.turns, more...)
	return d.Func(p.try, classify), nil
}

// turn is a compiled Turn.
type turn struct {
	expect *regexp.Regexp // nil: do not read
	Turn
}

func compile(all []Turn) (turns []turn, err error) {
	var faults []error
	for i, t := range all {
		c := turn{Turn: t}
		if t.Expect != "" {
			if c.expect, err = regexp.Compile(t.Expect); err != nil {
				faults = append(faults, fmt.Errorf("query_response[%d].expect: %w", i, err))
			}
		}
		if t == (Turn{}) {
			faults = append(faults, fmt.Errorf("query_response[%d]: expects and sends nothing", i))
		}
		turns = append(turns, c)
	}
	return turns, errors.Join(faults...)
}

// tcpProbe connects and runs a dialogue.
type tcpProbe struct {
	dialer *conn.Dialer
	secure *conn.Secure
	atOnce bool // make the TLS handshake before the dialogue
	turns  []turn
}

// try makes an attempt at one address.
func (p *tcpProbe) try(ctx context.Context, a *probe.Attempt, server netip.AddrPort) error {
	c, err := p.dialer.Connect(ctx, a, server)
	if err != nil {
		return err
	}
	defer c.Close() // an error changes nothing: the outcome is known by then
	if p.atOnce {
		secured, err := p.secure.Handshake(ctx, a, c)
		if err != nil {
			return err
		}
		c = secured
	}
	return p.talk(ctx, a, c)
}

func classify(step string, err error) report.Outcome {
	if errors.Is(err, errUnexpected) {
		return report.TCPAnswerUnexpected
	}
	if outcome := conn.Classify(step, err); outcome != "" {
		return outcome
	}
	if isEnd(err) {
		return report.TCPClosed
	}
	return report.Unknown
}
