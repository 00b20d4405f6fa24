// Package relay implements an Oblivious HTTP relay (RFC 9458). It accepts encapsulated requests
// from agents and forwards them to one collector. The collector never learns an agent's address,
// and the relay cannot read the requests. Start with [New], [Relay.Run] and [Relay.Handler].
//
// The relay tells the collector only the client's autonomous system and country, and 12 bits of a
// keyed hash of its network: see [report.Bucket]. It makes a new request, which has none of the
// client's header fields. The relay stores nothing about clients. To limit rates, it identifies
// their networks by a keyed hash, in memory only; the key is replaced every hour.
package relay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/internal/daykey"
	"github.com/heliograph-net/heliograph/internal/httpx"
)

// Relay forwards requests to one collector. Make one with [New]. Its methods are safe for
// concurrent use.
type Relay struct {
	o          Options
	handler    http.Handler
	metrics    *metrics
	unregister func() // unregisters the metrics

	gateway  atomic.Pointer[gateway] // replaced by Reload
	places   daykey.Key              // makes buckets; outlives gateways
	requests *httpx.Slots            // requests in flight
	networks *httpx.Limiter

	running atomic.Bool // Run was called
	gate    *httpx.Gate // counts requests in flight; closed when Run drains
	working context.Context
	stop    context.CancelFunc // cancels the requests in flight
}

// New returns a Relay with the given options, or an error that names every invalid option. The
// Relay connects to the collector when it needs it.
func New(o Options) (*Relay, error) {
	if err := errors.Join(o.validate(), o.Settings.validate()); err != nil {
		return nil, err
	}
	r := &Relay{o: o, requests: httpx.NewSlots(o.Settings.MaxRequests), networks: httpx.NewLimiter(httpx.Limits{}), gate: httpx.NewGate()}
	r.working, r.stop = context.WithCancel(context.Background())
	r.apply(o.Settings)
	r.metrics = newMetrics(r)
	r.handler = r.routes()
	var err error
	if r.unregister, err = r.metrics.all().Register(o.Metrics); err != nil {
		return nil, fmt.Errorf("relay: registering metrics: %w", err)
	}
	return r, nil
}

// Handler returns the handler for POST /v1/oblivious, with its CORS preflight, and GET
// /v1/oblivious/keys. It sets its own read and write deadlines. After the context of [Relay.Run]
// has ended, it tells clients to try later.
func (r *Relay) Handler() http.Handler { return r.handler }

// Reload replaces the settings for all new requests; requests in flight keep those that they began
// with. The Relay asks for the collector's keys again. With an error, nothing has changed.
func (r *Relay) Reload(s Settings) error {
	if err := s.validate(); err != nil {
		return err
	}
	r.apply(s)
	return nil
}

// Settings returns the settings in use, with the defaults filled in.
func (r *Relay) Settings() Settings { return r.gateway.Load().s }

// apply installs settings, which must be valid.
func (r *Relay) apply(s Settings) {
	r.requests.SetMost(s.MaxRequests)
	r.networks.SetLimits(httpx.Limits{Requests: s.NetworkRequests, InFlight: max(1, s.MaxRequests/4), NewNetworks: s.NewNetworks})
	if old := r.gateway.Swap(newGateway(s, &r.o, &r.places)); old != nil {
		old.client.CloseIdleConnections()
	}
}

const (
	drainTime = 2 * time.Second        // for answers of the collector to requests in flight
	stopTime  = 500 * time.Millisecond // for requests that were then cancelled
)

// Run works until ctx ends. It then tells clients to try later, gives requests in flight two
// seconds for the collector's answer, cancels the rest, and returns nil. It may be called once.
// Close the listener after Run has returned.
func (r *Relay) Run(ctx context.Context) error {
	if r.running.Swap(true) {
		return errors.New("relay: Run was called before")
	}
	defer r.unregister()
	<-ctx.Done()
	r.gate.Close()
	if !httpx.Within(drainTime, r.gate.Idle()) {
		r.o.Logger.Warn("some requests had no answer yet when the relay stopped; they are told to come later")
	}
	r.stop()
	// requests whose body is still arriving are cut off by the listener
	httpx.Within(stopTime, r.gate.Idle())
	r.gateway.Load().client.CloseIdleConnections()
	return nil
}

// Ready returns nil if the collector can be reached, and otherwise the reason. It asks the
// collector at most every ten minutes if the last answer was good, and at most every five
// seconds if not.
func (r *Relay) Ready(ctx context.Context) error {
	select {
	case <-r.gate.Closed():
		return errors.New("the relay is stopping")
	default:
	}
	_, _, err := r.gateway.Load().keyConfigs(ctx)
	return err
}
