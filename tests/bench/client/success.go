package client

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/getsentry/sentry-go"
	sentryhttpclient "github.com/getsentry/sentry-go/httpclient"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

const origin = "https://shop.example"

// wrappers are the ways to watch requests. Each returns what wraps base, and the context that its
// requests need.
var wrappers = []struct {
	name string
	wrap func(b *testing.B, base http.RoundTripper) (http.RoundTripper, context.Context)
}{
	{"plain", func(_ *testing.B, base http.RoundTripper) (http.RoundTripper, context.Context) {
		return base, context.Background()
	}},
	{"minimal", func(_ *testing.B, base http.RoundTripper) (http.RoundTripper, context.Context) {
		return &minimal{base: base}, context.Background()
	}},
	{"heliograph", func(b *testing.B, base http.RoundTripper) (http.RoundTripper, context.Context) {
		return httpagent.Wrap(newAgent(b, nil), base), context.Background()
	}},
	{"otelhttp-noprovider", func(_ *testing.B, base http.RoundTripper) (http.RoundTripper, context.Context) {
		return otelhttp.NewTransport(base,
			otelhttp.WithTracerProvider(tracenoop.NewTracerProvider()),
			otelhttp.WithMeterProvider(metricnoop.NewMeterProvider())), context.Background()
	}},
	{"otelhttp-sdk", func(b *testing.B, base http.RoundTripper) (http.RoundTripper, context.Context) {
		provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.AlwaysSample()), sdktrace.WithSpanProcessor(discardSpans{}))
		b.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
		return otelhttp.NewTransport(base,
			otelhttp.WithTracerProvider(provider),
			otelhttp.WithMeterProvider(metricnoop.NewMeterProvider())), context.Background()
	}},
	{"sentry", func(b *testing.B, base http.RoundTripper) (http.RoundTripper, context.Context) {
		ctx := sentry.SetHubOnContext(context.Background(), sentryHub(b, true))
		return sentryhttpclient.NewSentryRoundTripper(base), sentry.StartTransaction(ctx, "checkout").Context()
	}},
}

// discardSpans is an exporter that costs nothing, in favour of the peer.
type discardSpans struct{}

func (discardSpans) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (discardSpans) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (discardSpans) Shutdown(context.Context) error                  { return nil }
func (discardSpans) ForceFlush(context.Context) error                { return nil }

// SuccessPath is one request that succeeds, its body read to the end, over a RoundTripper
// in memory.
func SuccessPath() []Case { return inMemory(memory{}) }

// SuccessPathBodiless is the same with answers that have no body, as to HEAD or with status 204.
func SuccessPathBodiless() []Case { return inMemory(memory{bodiless: true}) }

func inMemory(base memory) []Case {
	var cases []Case
	for _, w := range wrappers {
		cases = append(cases, Case{w.name, func(b *testing.B) {
			rt, ctx := w.wrap(b, base)
			requests(b, rt, newRequest(b, origin).WithContext(ctx))
		}})
	}
	return cases
}

// Loopback is the same over net/http's Transport and one kept connection to a server in this
// process: what share of a real request the watching is, with the hooks of httptrace, which memory
// does not call.
func Loopback() []Case { return loopback(func(*httptest.Server) {}) }

// LoopbackTLS is Loopback over TLS, HTTP/1.1.
func LoopbackTLS() []Case { return loopback((*httptest.Server).StartTLS) }

// LoopbackHTTP2 is Loopback over TLS, HTTP/2.
func LoopbackHTTP2() []Case {
	return loopback(func(s *httptest.Server) {
		s.EnableHTTP2 = true
		s.StartTLS()
	})
}

// loopback starts a server, without TLS unless secure has started it.
func loopback(secure func(*httptest.Server)) []Case {
	var cases []Case
	for _, w := range wrappers {
		cases = append(cases, Case{w.name, func(b *testing.B) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }))
			if secure(server); server.URL == "" {
				server.Start()
			}
			b.Cleanup(server.Close)
			transport := server.Client().Transport.(*http.Transport)
			rt, ctx := w.wrap(b, transport)
			requests(b, rt, newRequest(b, server.URL).WithContext(ctx))
		}})
	}
	return cases
}

// Observe is the agent's core alone: what any watcher that is not net/http's pays for a request
// that succeeded.
func Observe() []Case {
	o := agent.Observation{Scheme: "https", Host: "shop.example", Outcome: "ok", Protocol: "h2", Server: observedServer, Status: 200}
	return []Case{{"heliograph", func(b *testing.B) {
		a := newAgent(b, nil)
		m := measure.Start(b)
		defer m.End()
		for b.Loop() {
			a.Observe(o)
		}
	}}}
}
