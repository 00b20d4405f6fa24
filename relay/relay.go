// Package relay is an Oblivious HTTP relay (RFC 9458): it takes encapsulated requests from agents
// and hands them on to one collector, which so never learns an agent's address, while the relay can
// read nothing. Most readers need New and Handler.
//
// Of the client it passes on its autonomous system and country, nothing else: the request to the
// collector is made anew, with no field of the client's. The relay writes nothing down about
// clients; their networks are known, for limits, by a hash under a key that is replaced every hour,
// in memory only.
package relay

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/privacy/scrub"
)

// Networks tells the autonomous system and country (ISO 3166-1 alpha-2) of an address; 0 and "ZZ"
// when it does not know. It is called concurrently and must not keep the address.
type Networks interface {
	Lookup(addr netip.Addr) (asn uint32, country string)
}

// Options describe a Relay.
type Options struct {
	// required; the collector's origin, "https://collector.example"; http only to a loopback host
	Gateway   string
	Collector string // its id in the policy; required with Key
	// signs what is said of clients; the collector knows its public half. nil: nothing is
	// said of them
	Key      ed25519.PrivateKey
	Networks Networks       // looks clients up. nil: every network is unknown
	RootCAs  *x509.CertPool // authorities that may vouch for the collector; nil: the system's

	Logger  *slog.Logger          // nil: logs nothing
	Metrics prometheus.Registerer // nil: registered nowhere. Close unregisters them

	MaxRequests int // requests in flight at one time; more are told to come later. 0 means 256
	// requests per second of one client network, a /24 or /48; ten times as many at once.
	// 0 means 100
	SourceRequests float64
	BodyTimeout    time.Duration // a request's body must have arrived within this. 0 means 10 s
	GatewayTimeout time.Duration // the collector must have answered within this. 0 means 30 s
}

// validate joins all faults and fills in the defaults.
func (o *Options) validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("relay: "+format, args...)) }
	u, err := url.Parse(o.Gateway)
	switch {
	case err != nil || u.Host == "" || scrub.Target(u.Scheme, u.Host) != o.Gateway:
		fault("Gateway must be an origin without path, user or default port, such as https://collector.example")
	case u.Scheme != "https" && !isLoopback(u.Hostname()):
		fault("Gateway must be https, unless its host is a loopback address")
	}
	if len(o.Key) != 0 && len(o.Key) != ed25519.PrivateKeySize {
		fault("Key must be an Ed25519 private key of %d bytes, has %d", ed25519.PrivateKeySize, len(o.Key))
	}
	if len(o.Key) != 0 && o.Collector == "" {
		fault("Collector is missing: what is signed is signed for one collector, by its id")
	}
	if o.MaxRequests < 0 || o.SourceRequests < 0 || o.BodyTimeout < 0 || o.GatewayTimeout < 0 {
		fault("MaxRequests, SourceRequests, BodyTimeout and GatewayTimeout must not be negative")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	setDefault(&o.MaxRequests, 256)
	setDefault(&o.SourceRequests, 100)
	setDefault(&o.BodyTimeout, 10*time.Second)
	setDefault(&o.GatewayTimeout, 30*time.Second)
	return errors.Join(faults...)
}

func setDefault[T int | float64 | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// Relay forwards requests to one collector. Make one with New; its methods are safe for
// concurrent use.
type Relay struct {
	o        Options
	client   *http.Client
	handler  http.Handler
	inFlight atomic.Int64
	sources  *sources
	keys     keyCache
	failing  atomic.Bool // whether the collector failed at the last request
	metrics  *metrics
}

// New checks the options. The Relay has no goroutines of its own, and connects to the collector
// when there is something to ask.
func New(o Options) (*Relay, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	r := &Relay{o: o, sources: newSources(o.SourceRequests, max(1, o.MaxRequests/4))}
	r.client = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  o.GatewayTimeout,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 16 << 10,
			MaxIdleConnsPerHost:    32,
			MaxConnsPerHost:        64,
			DisableCompression:     true,
			ForceAttemptHTTP2:      true,
		},
	}
	r.metrics = newMetrics(r)
	if err := r.metrics.register(o.Metrics); err != nil {
		return nil, fmt.Errorf("relay: registering metrics: %w", err)
	}
	r.handler = r.routes()
	return r, nil
}

// Handler serves POST /v1/oblivious, with its CORS preflight, and GET /v1/oblivious/keys. It sets
// read and write deadlines of its own.
func (r *Relay) Handler() http.Handler { return r.handler }

// Close lets go of idle connections. Call it after the HTTP server's Shutdown. It is idempotent.
func (r *Relay) Close() {
	r.client.CloseIdleConnections()
	r.metrics.unregister()
}
