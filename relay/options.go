package relay

import (
	"cmp"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/netaddr"
	"github.com/heliograph-net/heliograph/privacy/scrub"
)

// Networks tells the autonomous system and country (ISO 3166-1 alpha-2) of an address; 0 and "ZZ"
// when it does not know. It is called concurrently and must not keep the address.
type Networks interface {
	Lookup(addr netip.Addr) (asn uint32, country string)
}

// Options describe a Relay.
type Options struct {
	Settings Settings // what Reload can replace

	Logger  *slog.Logger          // nil: logs nothing
	Metrics prometheus.Registerer // nil: registered nowhere. The end of Run unregisters them

	BodyTimeout    time.Duration // a request's body must have arrived within this. 0 means 10 s
	GatewayTimeout time.Duration // the collector must have answered within this. 0 means 30 s
}

// Settings are what a Relay can change while it works.
type Settings struct {
	// required; the collector's origin, "https://collector.example"; http only to a loopback host
	Gateway   string
	Collector string // its id in the policy; required with Key
	// signs what is said of clients; the collector knows its public half. nil: nothing is
	// said of them
	Key      ed25519.PrivateKey
	Networks Networks       // looks clients up. nil: every network is unknown
	RootCAs  *x509.CertPool // authorities that may vouch for the collector; nil: the system's

	MaxRequests int // requests in flight at one time; more are told to come later. 0 means 256
	// requests per second of one client network, a /24 or /48; ten times as many at once.
	// 0 means 100
	NetworkRequests float64
	// client networks per second that were not seen within the hour; ten times as many at once.
	// 0 means 2000
	NewNetworks float64
}

// validate joins all faults and fills in the defaults. Settings are checked by themselves.
func (o *Options) validate() error {
	if o.BodyTimeout < 0 || o.GatewayTimeout < 0 {
		return errors.New("relay: BodyTimeout and GatewayTimeout must not be negative")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.BodyTimeout = cmp.Or(o.BodyTimeout, 10*time.Second)
	o.GatewayTimeout = cmp.Or(o.GatewayTimeout, 30*time.Second)
	return nil
}

// validate joins all faults and fills in the defaults.
func (s *Settings) validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("relay: "+format, args...)) }
	u, err := url.Parse(s.Gateway)
	switch {
	case err != nil || u.Host == "" || scrub.Target(u.Scheme, u.Host) != s.Gateway:
		fault("Gateway must be an origin without path, user or default port, such as https://collector.example")
	case u.Scheme != "https" && !netaddr.LoopbackHost(u.Hostname()):
		fault("Gateway must be https, unless its host is a loopback address")
	}
	if len(s.Key) != 0 && len(s.Key) != ed25519.PrivateKeySize {
		fault("Key must be an Ed25519 private key of %d bytes, has %d", ed25519.PrivateKeySize, len(s.Key))
	}
	if len(s.Key) != 0 && s.Collector == "" {
		fault("Collector is missing: what is signed is signed for one collector, by its id")
	}
	if s.MaxRequests < 0 || s.NetworkRequests < 0 || s.NewNetworks < 0 {
		fault("MaxRequests, NetworkRequests and NewNetworks must not be negative")
	}
	s.MaxRequests = cmp.Or(s.MaxRequests, 256)
	s.NetworkRequests = cmp.Or(s.NetworkRequests, 100)
	s.NewNetworks = cmp.Or(s.NewNetworks, 2000)
	return errors.Join(faults...)
}
