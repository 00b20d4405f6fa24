// Package relay is an Oblivious HTTP relay (RFC 9458): it takes encapsulated requests from agents
// and hands them on to one collector, which so never learns an agent's address, while the relay can
// read nothing. Most readers need [New], [Relay.Run] and [Relay.Handler].
//
// Of the client it passes on its autonomous system and country, nothing else: the request to the
// collector is made anew, with no field of the client's. The relay writes nothing down about
// clients; their networks are known, for limits, by a hash under a key that is replaced every hour,
// in memory only.
package relay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
)

// Relay forwards requests to one collector. Make one with New; its methods are safe for
// concurrent use.
type Relay struct {
	o          Options
	handler    http.Handler
	metrics    *metrics
	unregister func() // the metrics

	gateway  atomic.Pointer[gateway] // replaced by Reload
	requests *httpx.Slots            // in flight
	networks *httpx.Limiter

	running atomic.Bool // Run was called
	gate    *httpx.Gate // closed when Run drains; requests in flight are inside
	working context.Context
	stop    context.CancelFunc // ends working: what is still in flight gives up
}

// New checks the options and makes a Relay, which works once its handler is served. It connects to
// the collector when there is something to ask.
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

// Handler serves POST /v1/oblivious, with its CORS preflight, and GET /v1/oblivious/keys. It sets
// read and write deadlines of its own. Once the context of Run has ended, clients are told to come
// later.
func (r *Relay) Handler() http.Handler { return r.handler }

// Reload replaces the settings for all requests that come from now on; those in flight end with the
// ones that they began with. The collector's keys are asked for anew. After an error nothing has
// changed.
func (r *Relay) Reload(s Settings) error {
	if err := s.validate(); err != nil {
		return err
	}
	r.apply(s)
	return nil
}

// Settings returns the settings in use, with the defaults filled in.
func (r *Relay) Settings() Settings { return r.gateway.Load().s }

// apply takes up settings that are valid.
func (r *Relay) apply(s Settings) {
	r.requests.SetMost(s.MaxRequests)
	r.networks.SetLimits(httpx.Limits{Requests: s.NetworkRequests, InFlight: max(1, s.MaxRequests/4), NewNetworks: s.NewNetworks})
	if old := r.gateway.Swap(newGateway(s, &r.o)); old != nil {
		old.client.CloseIdleConnections()
	}
}

const (
	drainTime = 2 * time.Second        // for answers of the collector that are under way
	stopTime  = 500 * time.Millisecond // for those who gave up then
)

// Run works until ctx ends. Then requests are told to come later, those in flight have two seconds
// for the collector's answer and give up after that, and Run returns nil. It may be called once;
// let the listener end after it.
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
	httpx.Within(stopTime, r.gate.Idle()) // whose body is still arriving is cut by the listener
	r.gateway.Load().client.CloseIdleConnections()
	return nil
}

// Ready says whether the collector can be reached: nil, or why not. A relay is of no use without
// it. It asks every ten minutes while the answer is good, and every five seconds else.
func (r *Relay) Ready(ctx context.Context) error {
	select {
	case <-r.gate.Closed():
		return errors.New("the relay is stopping")
	default:
	}
	_, _, err := r.gateway.Load().keyConfigs(ctx)
	return err
}
