// Package otlp tests what Heliograph sends by OTLP against the receiver of the OpenTelemetry
// Collector. It is a module of its own because of what that depends on.
package otlp

import (
	"context"
	"net"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
)

// backend is the OTLP receiver of an OpenTelemetry Collector, and what it has received.
type backend struct {
	url string

	mu        sync.Mutex
	spans     []ptrace.Span
	logs      []plog.LogRecord
	metrics   []pmetric.Metric
	resources []pcommon.Map
	raw       []string // everything in the collector's own JSON
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	b := new(backend)
	addr := freeAddr(t)
	b.url = "http://" + addr
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	if err := confmap.NewFromStringMap(map[string]any{"protocols": map[string]any{"http": map[string]any{"endpoint": addr}}}).Unmarshal(config); err != nil {
		t.Fatal(err)
	}
	set := receiver.Settings{ID: component.NewID(factory.Type()), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	traces := must(consumer.NewTraces(b.traces))(t)
	logs := must(consumer.NewLogs(b.records))(t)
	metrics := must(consumer.NewMetrics(b.points))(t)
	for _, part := range []component.Component{
		must(factory.CreateTraces(t.Context(), set, config, traces))(t),
		must(factory.CreateLogs(t.Context(), set, config, logs))(t),
		must(factory.CreateMetrics(t.Context(), set, config, metrics))(t),
	} {
		if err := part.Start(t.Context(), componenttest.NewNopHost()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := part.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	return b
}

// must ends the test on an error: must(f())(t).
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// freeAddr finds a port: the receiver does not tell which one it got.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer ln.Close()
	return ln.Addr().String()
}

func (b *backend) traces(_ context.Context, all ptrace.Traces) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	text, err := (&ptrace.JSONMarshaler{}).MarshalTraces(all)
	b.raw = append(b.raw, string(text))
	for _, r := range all.ResourceSpans().All() {
		b.resources = append(b.resources, r.Resource().Attributes())
		for _, scope := range r.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				b.spans = append(b.spans, span)
			}
		}
	}
	return err
}

func (b *backend) records(_ context.Context, all plog.Logs) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	text, err := (&plog.JSONMarshaler{}).MarshalLogs(all)
	b.raw = append(b.raw, string(text))
	for _, r := range all.ResourceLogs().All() {
		for _, scope := range r.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				b.logs = append(b.logs, record)
			}
		}
	}
	return err
}

func (b *backend) points(_ context.Context, all pmetric.Metrics) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	text, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(all)
	b.raw = append(b.raw, string(text))
	for _, r := range all.ResourceMetrics().All() {
		for _, scope := range r.ScopeMetrics().All() {
			for _, metric := range scope.Metrics().All() {
				b.metrics = append(b.metrics, metric)
			}
		}
	}
	return err
}
