// Package dnsprobe probes a name server with a query and checks the answer. Start with [Options].
package dnsprobe

import (
	"cmp"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
)

// Name is the name of this kind of probe.
const Name = "dns"

// Kind is this kind of probe, which a configuration selects by the key "dns".
var Kind = probe.Kind{Name: Name, Key: "dns", New: func() probe.Spec { return new(Options) }}

// Options are a [probe.Spec]. Except for Server and Answers, the keys are those of
// blackbox_exporter.
type Options struct {
	// Server is the name server: host, host:port, or a URL for DNS over HTTPS (RFC 8484). The
	// default port is 53, or 853 over TLS. Required.
	Server string `yaml:"dns"`

	QueryName  string `yaml:"query_name"`  // the domain name to ask for; required
	QueryType  string `yaml:"query_type"`  // empty: A
	QueryClass string `yaml:"query_class"` // empty: IN

	// Recursion asks the server to query other servers. nil: true.
	Recursion *bool `yaml:"recursion_desired"`

	Transport string          `yaml:"transport_protocol"` // udp or tcp; empty: udp
	OverTLS   bool            `yaml:"dns_over_tls"`       // RFC 7858
	TLS       conn.TLSOptions `yaml:"tls_config"`         // for TLS and HTTPS

	// response codes that count as success; empty: NOERROR
	ValidCodes []string `yaml:"valid_rcodes"`

	// Answers are record data that must all be in the answer, written as in a zone file:
	// "192.0.2.1", "10 mail.example.".
	Answers []string `yaml:"answers"`

	Answer     Rules `yaml:"validate_answer_rrs"`
	Authority  Rules `yaml:"validate_authority_rrs"`
	Additional Rules `yaml:"validate_additional_rrs"` // without the OPT record of EDNS

	conn.Addresses `yaml:",inline"`
}

// Kind implements [probe.Spec].
func (o *Options) Kind() string { return Name }

// Address implements [probe.Spec].
func (o *Options) Address() string {
	if o.Server == "" {
		return ""
	}
	server, port := o.Server, "53"
	if u, err := o.url(); err != nil {
		return ""
	} else if u != nil {
		server, port = u.Host, "443"
	} else if o.OverTLS {
		port = "853"
	}
	if host, own, err := net.SplitHostPort(server); err == nil {
		return net.JoinHostPort(host, cmp.Or(own, port))
	}
	return net.JoinHostPort(strings.Trim(server, "[]"), port)
}

// url returns the URL of DNS over HTTPS, or nil for other transports.
func (o *Options) url() (*url.URL, error) {
	if !strings.Contains(o.Server, "://") {
		return nil, nil
	}
	u, err := url.Parse(o.Server)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return nil, errors.New("dns: want host:port, or an https:// URL without user or password")
	}
	return u, nil
}

// Probe implements [probe.Spec].
func (o *Options) Probe(env probe.Env) (probe.Func, error) {
	p := &dnsProbe{codes: o.ValidCodes, answers: o.Answers}
	if len(p.codes) == 0 {
		p.codes = []string{"NOERROR"}
	}
	var faults [5]error
	u, err := o.url()
	faults[0] = err
	p.query, faults[1] = newQuery(o.QueryName, cmp.Or(o.QueryType, "A"), cmp.Or(o.QueryClass, "IN"), o.Recursion == nil || *o.Recursion)
	faults[2] = checkCodes("valid_rcodes", o.ValidCodes)
	p.rules, faults[3] = o.rules()
	faults[4] = o.transportFault(u)
	if err := errors.Join(faults[:]...); err != nil {
		return nil, err
	}
	if p.dialer, err = conn.NewDialer(o.Address(), o.Addresses, env); err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(o.Address()) // NewDialer has checked it
	switch {
	case u != nil:
		p.transport = overHTTPS(u.String())
		p.secure, err = o.TLS.Secure(host, env, "h2", "http/1.1")
	case o.OverTLS:
		p.transport = overStream
		p.secure, err = o.TLS.Secure(host, env, "dot")
	case o.Transport == "tcp":
		p.transport = overStream
	default:
		p.transport, p.datagrams = overDatagrams, true
	}
	if err != nil {
		return nil, err
	}
	return p.dialer.Func(p.try, p.classify), nil
}

func (o *Options) transportFault(u *url.URL) error {
	switch {
	case o.Transport != "" && o.Transport != "udp" && o.Transport != "tcp":
		return errors.New("transport_protocol: want udp or tcp")
	case o.OverTLS && o.Transport == "udp":
		return errors.New("dns_over_tls: always uses tcp; leave out transport_protocol")
	case u != nil && (o.OverTLS || o.Transport != ""):
		return errors.New("dns: with a URL, leave out transport_protocol and dns_over_tls")
	}
	return nil
}
