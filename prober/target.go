package prober

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/heliograph-net/heliograph/heatmap"
)

// Kind says how a target is probed.
type Kind string

// The kinds. KindTCP connects, and that is all; KindHTTP makes a GET request, over TLS when the URL
// says https.
const (
	KindHTTP Kind = "http"
	KindTCP  Kind = "tcp"
)

// Statuses that count as success when a target does not say otherwise. Redirects are not followed.
const (
	DefaultStatusMin = 200
	DefaultStatusMax = 399
)

// maxURL is the longest URL of a target in bytes.
const maxURL = 2048

// Target is one server to probe, and where it stands.
type Target struct {
	Name string // unique among the targets; the server's name in the map
	Kind Kind   // empty: KindHTTP with a URL, KindTCP without
	// host:port to connect to, whatever the URL's host; KindHTTP may leave it empty: that
	// of the URL
	Address string
	// KindHTTP: http or https, without user or password. Its host is the Host header and the TLS
	// server name
	URL string

	StatusMin int // lowest status that is a success, 100 to 599; 0: DefaultStatusMin
	StatusMax int // highest; 0: DefaultStatusMax, or StatusMin when that is higher

	TLS TLSOptions // KindHTTP with https

	DataCentre, Cluster, Row string // may be empty

	// Probe replaces the probe that Kind, Address, URL, StatusMin, StatusMax and TLS describe (they
	// may then be empty), for things that are up or down in another way. It must keep to its
	// context's deadline, and is never called twice at a time.
	Probe Probe
}

// TLSOptions says which certificate a target must present. The zero value asks for a chain to one
// of the system's authorities that is valid now and for the URL's host.
type TLSOptions struct {
	ServerName string         // name to ask for and to expect; empty: the URL's host
	RootCAs    *x509.CertPool // authorities to trust; nil: the system's
	// takes any certificate: tells only whether the server speaks TLS
	InsecureSkipVerify bool
}

// Topology is the topology of targets, with the address of each, ready for heatmap.NewMap. The
// error names the targets at fault.
func Topology(targets []Target) (*heatmap.Topology, error) {
	servers := make([]heatmap.Server, len(targets))
	for i := range targets {
		t := &targets[i]
		address, err := t.dialAddress()
		if err != nil {
			return nil, fmt.Errorf("target %d (%q): %w", i, t.Name, err)
		}
		servers[i] = heatmap.Server{Name: t.Name, Address: address, DataCentre: t.DataCentre, Cluster: t.Cluster, Row: t.Row}
	}
	topology, err := heatmap.NewTopology(servers)
	if err != nil {
		return nil, fmt.Errorf("topology of the targets: %w", err)
	}
	return topology, nil
}

func (t *Target) kind() Kind {
	switch {
	case t.Kind != "":
		return t.Kind
	case t.URL != "":
		return KindHTTP
	}
	return KindTCP
}

// dialAddress is the host:port to connect to; empty only if Probe does the work and there is none.
func (t *Target) dialAddress() (string, error) {
	if t.Address != "" || t.URL == "" {
		return t.Address, nil
	}
	u, err := parseURL(t.URL)
	if err != nil {
		return "", err
	}
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// statuses is the range of statuses that count as success.
func (t *Target) statuses() (lowest, highest int) {
	lowest, highest = t.StatusMin, t.StatusMax
	if lowest == 0 {
		lowest = DefaultStatusMin
	}
	if highest == 0 {
		highest = max(lowest, DefaultStatusMax)
	}
	return lowest, highest
}

// validate finds what is wrong with t by itself. Texts never repeat the URL: it may hold a secret.
func (t *Target) validate() error {
	if t.Probe != nil {
		return nil
	}
	var faults []error
	switch t.kind() {
	case KindTCP:
		if t.URL != "" {
			faults = append(faults, errors.New("URL: kind tcp has none; leave it out or say kind http"))
		}
	case KindHTTP:
		if _, err := parseURL(t.URL); err != nil {
			faults = append(faults, err)
		}
		lowest, highest := t.statuses()
		if lowest < 100 || highest > 599 || lowest > highest {
			faults = append(faults, fmt.Errorf("status range %d to %d: want 100 to 599, the lowest first", lowest, highest))
		}
	default:
		faults = append(faults, fmt.Errorf("kind %q: want http or tcp", t.Kind))
	}
	if address, err := t.dialAddress(); err == nil && address == "" {
		faults = append(faults, errors.New("address: missing; write host:port"))
	}
	return errors.Join(faults...)
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
