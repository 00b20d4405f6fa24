// Package wsprobe probes by opening a WebSocket (RFC 6455) and exchanging a ping or messages. Start
// with [Options].
package wsprobe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"

	"golang.org/x/net/http/httpguts"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/report"
)

// Name is the name of this kind of probe.
const Name = "websocket"

// Kind is this kind of probe, which a configuration selects by the key "websocket".
var Kind = probe.Kind{Name: Name, Key: "websocket", New: func() probe.Spec { return new(Options) }}

// The steps of an attempt after those of package conn.
const (
	StepHandshake = "handshake" // the HTTP request and its answer
	StepMessage   = "message"   // messages, or a ping and its pong
)

// Options are a [probe.Spec]. Without Send and Expect, an attempt sends a ping and waits
// for the pong.
type Options struct {
	// URL is ws or wss, without user or password. Required.
	URL string `yaml:"websocket"`

	Headers      map[string]string `yaml:"headers"`      // of the request
	Subprotocols []string          `yaml:"subprotocols"` // to offer
	TLS          conn.TLSOptions   `yaml:"tls_config"`   // for wss

	Send string `yaml:"send"` // a text message; empty: none

	// Expect is a regular expression. Messages are read until one matches. Empty: do not read.
	Expect string `yaml:"expect"`

	conn.Addresses `yaml:",inline"`
}

// Kind implements [probe.Spec].
func (o *Options) Kind() string { return Name }

// Address implements [probe.Spec].
func (o *Options) Address() string {
	u, err := o.parse()
	if err != nil {
		return ""
	}
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), map[string]string{"ws": "80", "wss": "443"}[u.Scheme]))
}

func (o *Options) parse() (*url.URL, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.Hostname() == "" || u.User != nil {
		return nil, errors.New("websocket: want a ws:// or wss:// URL without user or password")
	}
	return u, nil
}

// Probe implements [probe.Spec].
func (o *Options) Probe(env probe.Env) (probe.Func, error) {
	p := &wsProbe{url: o.URL, subprotocols: o.Subprotocols, send: []byte(o.Send)}
	u, err := o.parse()
	header, headerErr := o.header()
	p.header = header
	var expectErr error
	if o.Expect != "" {
		if p.expect, expectErr = regexp.Compile(o.Expect); expectErr != nil {
			expectErr = fmt.Errorf("expect: %w", expectErr)
		}
	}
	if err := errors.Join(err, headerErr, expectErr); err != nil {
		return nil, err
	}
	if p.dialer, err = conn.NewDialer(o.Address(), o.Addresses, env); err != nil {
		return nil, err
	}
	if u.Scheme == "wss" {
		if p.secure, err = o.TLS.Secure(u.Hostname(), env, "http/1.1"); err != nil {
			return nil, err
		}
	}
	return p.dialer.Func(p.try, classify), nil
}

func (o *Options) header() (http.Header, error) {
	header := http.Header{"User-Agent": {"heliograph-prober"}}
	for name, value := range o.Headers {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("headers: %q is not a valid header", name)
		}
		header.Set(name, value)
	}
	return header, nil
}

type wsProbe struct {
	dialer       *conn.Dialer
	secure       *conn.Secure // nil for ws
	url          string
	header       http.Header
	subprotocols []string
	send         []byte
	expect       *regexp.Regexp // nil: do not read
}

// try makes an attempt at one address.
func (p *wsProbe) try(ctx context.Context, a *probe.Attempt, server netip.AddrPort) error {
	c, err := p.dialer.Connect(ctx, a, server)
	if err != nil {
		return err
	}
	defer c.Close() // an error changes nothing: the outcome is known by then
	if p.secure != nil {
		secured, err := p.secure.Handshake(ctx, a, c)
		if err != nil {
			return err
		}
		c = secured
	}
	a.Enter(StepHandshake)
	return p.talk(ctx, a, c)
}

func classify(step string, err error) report.Outcome {
	if status, ok := errors.AsType[statusError](err); ok {
		if status >= 400 {
			return report.HTTPError
		}
		return report.HTTPFailed
	}
	if outcome := conn.Classify(step, err); outcome != "" {
		return outcome
	}
	return report.WebSocketFailed
}
