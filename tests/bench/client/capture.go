package client

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/getsentry/sentry-go"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

var observedServer = netip.MustParseAddrPort("127.0.0.1:8443")

// CaptureFailure is what one failure costs whoever reports it.
//
//   - heliograph: an application calls Agent.Observe, again and again within a window; few of them
//     become samples.
//   - heliograph-sampled: each becomes a sample, with its URL scrubbed; windows are ended outside
//     of the measurement.
//   - heliograph-roundtrip: a whole failing request through the wrapper, naming of the
//     error included.
//   - sentry-…: the calls that applications make, with a transport that throws everything away, in
//     favour of the peer. chain: the error that an http.Client returns for a closed port; without
//     it, the cheapest error there is.
func CaptureFailure() []Case {
	return []Case{
		{"heliograph", captureObserve},
		{"heliograph-sampled", captureSampled},
		{"heliograph-roundtrip", func(b *testing.B) {
			failures(b, httpagent.Wrap(newAgent(b, nil), refuse{}), newRequest(b, origin))
		}},
		{"sentry-CaptureException", func(b *testing.B) {
			captureException(b, errors.New("connection refused"))
		}},
		{"sentry-CaptureException-chain", func(b *testing.B) {
			captureException(b, &url.Error{Op: "Get", URL: origin + "/cart", Err: errRefused})
		}},
		{"sentry-CaptureMessage", func(b *testing.B) {
			hub := sentryHub(b, false)
			m := measure.Start(b)
			defer m.End()
			for b.Loop() {
				hub.CaptureMessage("connection refused")
			}
		}},
	}
}

func captureException(b *testing.B, err error) {
	hub := sentryHub(b, false)
	m := measure.Start(b)
	defer m.End()
	for b.Loop() {
		hub.CaptureException(err)
	}
}

func failure() agent.Observation {
	return agent.Observation{
		Scheme: "https", Host: "shop.example", Outcome: report.TCPRefused, Server: observedServer, Start: time.Now(),
		Elapsed: 12 * time.Millisecond, Method: http.MethodGet, URL: origin + "/cart/items/4711",
	}
}

func captureObserve(b *testing.B) {
	a, o := newAgent(b, nil), failure()
	m := measure.Start(b)
	defer m.End()
	for b.Loop() {
		a.Observe(o)
	}
}

// captureSampled observes as many failures per window as it has places for samples.
func captureSampled(b *testing.B) {
	const places = 100
	a := startAgent(b, nowhere{}, func(p *policy.Policy) { p.SamplesPerWindow = places })
	o := failure()
	m := measure.Start(b)
	defer m.End()
	for n := 0; b.Loop(); n++ {
		if n%places == 0 && n > 0 {
			m.Without(func() {
				_ = a.Flush(context.Background())
				o.Start = time.Now()
			})
		}
		a.Observe(o)
	}
}

// sentryHub is a hub of its own, so that cases do not disturb one another.
func sentryHub(b *testing.B, tracing bool) *sentry.Hub {
	b.Helper()
	client, err := sentry.NewClient(sentry.ClientOptions{
		Dsn: "https://key@sentry.example/1", Transport: discardEvents{},
		EnableTracing: tracing, TracesSampleRate: 1, Release: "shop@1.2", ServerName: "client",
	})
	if err != nil {
		b.Fatal(err)
	}
	return sentry.NewHub(client, sentry.NewScope())
}

// discardEvents is a transport that costs nothing, in favour of the peer.
type discardEvents struct{}

func (discardEvents) Flush(time.Duration) bool              { return true }
func (discardEvents) FlushWithContext(context.Context) bool { return true }
func (discardEvents) Configure(sentry.ClientOptions)        {}
func (discardEvents) SendEvent(*sentry.Event)               {}
func (discardEvents) Close()                                {}
