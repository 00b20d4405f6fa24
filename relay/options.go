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

// Networks looks up the autonomous system and the country (ISO 3166-1 alpha-2) of an address. It
// returns 0 and "ZZ" for an unknown address. It must be safe for concurrent use and must not keep
// the address.
type Networks interface {
	Lookup(addr netip.Addr) (asn uint32, country string)
}

// Options configures a [Relay].
type Options struct {
	Settings Settings // can be replaced by Reload

	Logger  *slog.Logger          // nil means no logging
	Metrics prometheus.Registerer // nil means no metrics; Run unregisters them when it ends

	// time within which the body of a request must arrive; 0 means 10 s
	BodyTimeout    time.Duration
	GatewayTimeout time.Duration // time within which the collector must answer; 0 means 30 s
}

// Settings are the options that [Relay.Reload] can change.
type Settings struct {
	// origin of the collector, such as "https://collector.example"; required; http is allowed only
	// for loopback hosts
	Gateway   string
	Collector string // id of the collector in the policy; required with Key
	// signs what the relay says about clients; the collector must know its public half; nil means
	// that nothing is said about them
	Key      ed25519.PrivateKey
	Networks Networks // looks up clients; nil means that every network is unknown
	// authorities for the collector's certificate; nil means those of the system
	RootCAs *x509.CertPool

	MaxRequests int // most requests in flight; clients are told to try later beyond it; 0 means 256
	// most requests per second from one client network, a /24 or /48; bursts may be ten times as
	// large; 0 means 100
	NetworkRequests float64
	// most client networks per second that were not seen within the hour; bursts may be ten times
	// as large; 0 means 2000
	NewNetworks float64
}

// validate fills in the defaults and returns all faults, joined. It does not check o.Settings.
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

// validate fills in the defaults and returns all faults, joined.
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
