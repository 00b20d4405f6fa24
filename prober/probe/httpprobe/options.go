package httpprobe

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
)

// Name is the kind's.
const Name = "http"

// Kind is chosen by the key "url".
var Kind = probe.Kind{Name: Name, Key: "url", New: func() probe.Spec { return new(Options) }}

// Statuses that count as success when a target does not say otherwise. Redirects are not followed.
const (
	DefaultStatusMin = 200
	DefaultStatusMax = 399
)

// maxURL is the longest URL of a target in bytes.
const maxURL = 2048

// Options are a [probe.Spec].
type Options struct {
	// URL is what to get, http or https, without user or password. Its host is the Host header and
	// the TLS server name. Required.
	URL string `yaml:"url"`

	// Connect is the host:port to connect to, whatever the URL's host. Empty: that of the URL.
	Connect string `yaml:"address"`

	// StatusMin is the lowest status that is a success, 100 to 599. 0: DefaultStatusMin.
	StatusMin int `yaml:"status_min"`

	// StatusMax is the highest. 0: DefaultStatusMax, or StatusMin when that is higher.
	StatusMax int `yaml:"status_max"`

	TLS conn.TLSOptions `yaml:"tls_config"` // for https

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
	p := new(httpProbe)
	p.lowest, p.highest = o.statuses()
	u, err := parseURL(o.URL)
	if err := errors.Join(err, o.statusFault()); err != nil {
		return nil, err
	}
	if p.dialer, err = conn.NewDialer(o.Address(), o.Addresses, env); err != nil {
		return nil, err
	}
	if u.Scheme == "https" {
		if p.tls, err = o.TLS.Secure(u.Hostname(), env, "http/1.1"); err != nil {
			return nil, err
		}
	}
	if err := p.prepare(u); err != nil {
		return nil, err
	}
	return p.dialer.Func(p.try, classify), nil
}

// prepare writes the request that every attempt sends.
func (p *httpProbe) prepare(u *url.URL) error {
	request, err := http.NewRequest(http.MethodGet, u.String(), nil)
	if err != nil {
		return errors.New("URL: cannot be requested")
	}
	request.Header.Set("User-Agent", "heliograph-prober")
	request.Header.Set("Accept", "*/*")
	request.Close = true
	var wire bytes.Buffer
	if err := request.Write(&wire); err != nil {
		return errors.New("URL: cannot be requested")
	}
	p.request, p.wire = request, wire.Bytes()
	return nil
}

// statuses is the range of statuses that count as success.
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
		return nil, errors.New("URL: must not hold a user or password")
	case u.Hostname() == "" || strings.ContainsAny(u.Host, " \t"):
		return nil, errors.New("URL: has no host")
	}
	return u, nil
}
