package httpprobe

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/conn/h3conn"
)

// Name is the name of this kind of probe.
const Name = "http"

// Kind is this kind of probe, which a configuration selects by the key "url".
var Kind = probe.Kind{Name: Name, Key: "url", New: func() probe.Spec { return new(Options) }}

// The range of statuses that count as success unless a target says otherwise.
const (
	DefaultStatusMin = 200
	DefaultStatusMax = 399
)

// maxURL is the longest URL of a target in bytes.
const maxURL = 2048

// Options are a [probe.Spec].
type Options struct {
	// URL is the http or https URL to request, without user or password. Its host is the Host
	// header and the TLS server name. Required.
	URL string `yaml:"url"`

	// Connect is the host:port to connect to instead of the URL's. Empty: that of the URL.
	Connect string `yaml:"address"`

	Method string `yaml:"method"` // empty: GET

	// Compression is what the answer's body must be compressed with: gzip, deflate or identity. It
	// is asked for by Accept-Encoding, unless Headers has that. Rules see what it was compressed
	// from. Empty: the body is taken as it is.
	Compression string `yaml:"compression"`

	// Headers are sent in addition to User-Agent and Accept, which they can replace. The header
	// Host replaces the URL's host.
	Headers map[string]string `yaml:"headers"`

	// MoreHeaders are sent besides, with several values or from files.
	MoreHeaders map[string]HeaderValues `yaml:"http_headers"`

	Body     string `yaml:"body"`      // the request's body, at most 64 KiB
	BodyFile string `yaml:"body_file"` // a file with the body instead; read once

	// BasicAuth and Authorization are sent only to the URL's host. At most one may be given.
	BasicAuth     *BasicAuth     `yaml:"basic_auth"`
	Authorization *Authorization `yaml:"authorization"`

	TLS conn.TLSOptions `yaml:"tls_config"` // for https

	// Version is h3 for HTTP/3, and only that, of an https URL: the handshake is one over QUIC, in
	// the step [conn.StepConnect]. Empty: HTTP/1.1, or as HTTP2 says.
	Version string `yaml:"version"`

	// HTTP2 offers HTTP/2 in addition to HTTP/1.1, over TLS.
	HTTP2 bool `yaml:"enable_http2"`

	// FollowRedirects follows up to 10 redirects. The last answer counts.
	FollowRedirects bool `yaml:"follow_redirects"`

	// StatusMin is the lowest status that counts as success, 100 to 599. 0: DefaultStatusMin.
	StatusMin int `yaml:"status_min"`

	// StatusMax is the highest such status. 0: DefaultStatusMax, or StatusMin if that is higher.
	StatusMax int `yaml:"status_max"`

	// ValidCodes are the statuses that count as success, instead of a range. Empty: the
	// range counts.
	ValidCodes []int `yaml:"valid_status_codes"`

	// HTTP/1.0, HTTP/1.1, HTTP/2.0, HTTP/3.0; empty: all
	ValidVersions []string `yaml:"valid_http_versions"`
	FailIfTLS     bool     `yaml:"fail_if_ssl"`     // after redirects
	FailIfNotTLS  bool     `yaml:"fail_if_not_ssl"` // after redirects

	// No regular expression in FailIfBodyMatches may match the first MaxBody bytes of the body, and
	// all in FailIfBodyNotMatches must.
	FailIfBodyMatches    []string `yaml:"fail_if_body_matches_regexp"`
	FailIfBodyNotMatches []string `yaml:"fail_if_body_not_matches_regexp"`

	// FailIfJSONMatches is an expression about the body in JSON, see [assert.CompileJSON], that
	// must be false, and FailIfJSONNotMatches one that must be true. Both fail for a body that is
	// not JSON, that is longer than MaxBody, or to which they cannot be applied. Empty: none.
	FailIfJSONMatches    string `yaml:"fail_if_body_json_matches_cel"`
	FailIfJSONNotMatches string `yaml:"fail_if_body_json_not_matches_cel"`

	// A rule in FailIfHeaderMatches fails if a line of the header matches, and a rule in
	// FailIfHeaderNotMatches fails if none does. Both fail if the header is missing, unless
	// AllowMissing is set.
	FailIfHeaderMatches    []HeaderRule `yaml:"fail_if_header_matches"`
	FailIfHeaderNotMatches []HeaderRule `yaml:"fail_if_header_not_matches"`

	conn.Addresses `yaml:",inline"`
}

// Kind implements [probe.Spec].
func (o *Options) Kind() string { return Name }

// Address implements [probe.Spec].
func (o *Options) Address() string {
	if o.Connect != "" {
		return o.Connect
	}
	u, err := parseURL(o.URL)
	if err != nil {
		return ""
	}
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// Probe implements [probe.Spec].
func (o *Options) Probe(env probe.Env) (probe.Func, error) {
	p := &httpProbe{env: env, spec: o}
	u, err := parseURL(o.URL)
	var rulesErr error
	p.rules, rulesErr = o.compile()
	if err := errors.Join(err, rulesErr); err != nil {
		return nil, err
	}
	if p.dialer, err = conn.NewDialer(o.Address(), o.Addresses, env); err != nil {
		return nil, err
	}
	protocols := []string{"http/1.1"}
	switch {
	case o.Version == h3conn.ALPN && u.Scheme != "https":
		return nil, errors.New("version: h3 needs an https URL")
	case o.Version == h3conn.ALPN && o.TLS.MaxVersion != "" && o.TLS.MaxVersion != "TLS13":
		return nil, errors.New("version: h3 needs TLS13")
	case o.Version == h3conn.ALPN:
		protocols = []string{h3conn.ALPN}
	case o.Version != "":
		return nil, errors.New("version: want h3, or leave it out")
	case o.HTTP2:
		protocols = []string{"h2", "http/1.1"}
	}
	if p.tls, err = o.TLS.Secure(u.Hostname(), env, protocols...); err != nil {
		return nil, err
	}
	if err := p.prepare(u); err != nil {
		return nil, err
	}
	return p.dialer.Func(p.try, classify), nil
}

// statuses returns the range of statuses that count as success.
func (o *Options) statuses() (lowest, highest int) {
	lowest, highest = o.StatusMin, o.StatusMax
	if lowest == 0 {
		lowest = DefaultStatusMin
	}
	if highest == 0 {
		highest = max(lowest, DefaultStatusMax)
	}
	return lowest, highest
}

func (o *Options) statusFault() error {
	if lowest, highest := o.statuses(); lowest < 100 || highest > 599 || lowest > highest {
		return fmt.Errorf("status range %d to %d: want 100 to 599, the lowest first", lowest, highest)
	}
	for i, code := range o.ValidCodes {
		if code < 100 || code > 599 {
			return fmt.Errorf("valid_status_codes[%d]: want 100 to 599", i)
		}
	}
	if len(o.ValidCodes) > 0 && (o.StatusMin != 0 || o.StatusMax != 0) {
		return errors.New("valid_status_codes: leave out status_min and status_max")
	}
	return nil
}

func parseURL(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, fmt.Errorf("URL: longer than %d bytes", maxURL)
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("URL: cannot be parsed")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("URL: want http:// or https://")
	case u.User != nil:
		return nil, errors.New("URL: must not contain a user or password")
	case u.Hostname() == "" || strings.ContainsAny(u.Host, " \t"):
		return nil, errors.New("URL: has no host")
	}
	return u, nil
}
