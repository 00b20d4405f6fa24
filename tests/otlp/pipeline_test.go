package otlp

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// site is a collector and a detector in one process, which tell a backend what they do. Clients are
// in two networks, as a proxy says that it is trusted.
type site struct {
	*roles.Process
	t   *testing.T
	key *seal.Key
}

// config has bins of a second, which are judged like bins of a minute.
const config = `
networks: networks.tsv
collector: {listen: "127.0.0.1:0", trusted_proxies: [127.0.0.0/8]}
detector: {bin: 1s, grace: 1s}
dashboard: {listen: "127.0.0.1:0"}
operations: {listen: "127.0.0.1:0"}
alerts: {receivers: [{name: hook, kind: webhook, url: %q}]}
otlp: {endpoint: %q, traces: 1, metrics: 1s, headers_file: headers}
`

const networks = "10.1.0.0\t10.1.255.255\t64501\tXA\tOne\n10.2.0.0\t10.2.255.255\t64502\tXA\tTwo\n"

func newSite(t *testing.T, b *backend) *site {
	t.Helper()
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hook.Close)
	dir := filepath.Join(t.TempDir(), "d")
	if err := roles.Init(dir, roles.InitOptions{Config: fmt.Appendf(nil, config, hook.URL, b.url)}); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"networks.tsv": networks, "headers": "x-tenant: shop\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := must(roles.Load(filepath.Join(dir, roles.ConfigName)))(t)
	c.Detector.Lapse = 60
	signed := must(os.ReadFile(filepath.Join(dir, "policy")))(t)
	signer := must(policy.Signer(signed))(t)
	s := &site{t: t, key: must(seal.ParseKey(must(policy.Open(signed, signer))(t).SealKey))(t)}
	s.Process = must(roles.New(t.Context(), roles.Options{Config: c, Roles: roles.Roles{Collector: true, Detector: true}, Version: "1.2.3",
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}))(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// told is the trace id of the request that clients tell of in detail.
var told = [16]byte{15: 0x77}

// upload delivers the window of one client, in which requests succeeded and failed.
func (s *site) upload(network, client int, failed uint64) {
	s.t.Helper()
	id := must(report.NewBatchID(time.Now(), rand.Reader))(s.t)
	counters := []report.Counter{{Target: "https://shop.test", Outcome: report.OK, Protocol: "h2", Server: "192.0.2.1:443", Status: 200, Count: 2}}
	if failed > 0 {
		counters = append(counters, report.Counter{Target: "https://shop.test", Outcome: report.TCPReset, Server: "192.0.2.1:443", Count: failed})
	}
	sealer := must(seal.NewSealer(s.key, id))(s.t)
	segment := bytes.Clone(sealer.Prefix())
	for _, r := range []report.Record{
		&report.Header{Source: report.SourceAgent, App: "shop", Version: "1.2", OS: "linux", Consent: report.Diagnostics, Client: [16]byte{0xC1, 0xC2, 0xC3, 0xC4, 0xC5, byte(network), byte(client)}},
		&report.Window{Length: 1000, SampledPPM: report.FullPPM, Counters: counters},
		&report.Sample{URL: "https://shop.test/SECRET", Method: "GET", Outcome: report.TCPReset, Phase: report.PhaseConnection, TraceID: told},
		&report.ApplicationError{Kind: report.KindError, Type: "T", Message: "SECRET", Fingerprint: [16]byte{1}, Count: 1},
	} {
		segment = must(sealer.Seal(segment, must(report.AppendRecord(nil, r))(s.t)))(s.t)
	}
	req := must(http.NewRequestWithContext(s.t.Context(), "POST", "http://"+s.CollectorAddr+protocol.PathBatches, bytes.NewReader(seal.AppendEnd(segment))))(s.t)
	req.Header.Set("Content-Type", protocol.MediaTypeSegment)
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.9", network, client))
	resp := must(http.DefaultClient.Do(req))(s.t)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		s.t.Fatalf("answered %s", resp.Status)
	}
}

// TestPipelineIsToldToAnOpenTelemetryCollector: an outage of one network, from the uploads that
// tell of it to the alert, as spans, metrics and log records in an OpenTelemetry Collector.
func TestPipelineIsToldToAnOpenTelemetryCollector(t *testing.T) {
	b := newBackend(t)
	s := newSite(t, b)
	deadline := time.Now().Add(3 * time.Minute)
	for round := 0; !b.complete(); round++ {
		if time.Now().After(deadline) {
			t.Fatalf("incomplete: %v", b.names())
		}
		for client := range 26 {
			s.upload(1, client, 0)
			failed := uint64(0)
			if round >= 8 {
				failed = 2
			}
			s.upload(2, client, failed)
		}
		time.Sleep(time.Second) // the length of a bin
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.checkResource(t)
	b.checkBatch(t)
	b.checkIncident(t)
	b.checkMetrics(t)
	for _, text := range b.raw {
		for _, secret := range []string{"SECRET", "10.1.", "10.2.", "c1c2c3c4c5"} {
			if at := strings.Index(strings.ToLower(text), strings.ToLower(secret)); at >= 0 {
				t.Fatalf("%q is told: %s", secret, text[max(0, at-200):min(len(text), at+50)])
			}
		}
	}
}

// names counts what has come.
func (b *backend) names() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	names := map[string]int{}
	for _, s := range b.spans {
		names["span "+s.Name()]++
	}
	for _, l := range b.logs {
		names["log "+l.EventName()]++
	}
	for _, m := range b.metrics {
		names["metric "+m.Name()]++
	}
	return names
}

// complete reports whether something of every kind has come, with the alert of the incident.
func (b *backend) complete() bool {
	names := b.names()
	for _, name := range []string{"span upload", "span commit", "span feed", "span ingest", "span judge", "log heliograph.incident.opened",
		"metric heliograph.requests", "metric heliograph.incidents.open"} {
		if names[name] == 0 {
			return false
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	_, alerted := b.find(func(s ptrace.Span) bool { return s.Name() == "alert" && !s.ParentSpanID().IsEmpty() })
	_, failed := b.sum("tcp.reset")
	return alerted && failed
}

func (b *backend) find(is func(ptrace.Span) bool) (ptrace.Span, bool) {
	for _, s := range b.spans {
		if is(s) {
			return s, true
		}
	}
	return ptrace.Span{}, false
}

func (b *backend) checkResource(t *testing.T) {
	for key, want := range map[string]string{"service.name": "heliograph", "service.version": "1.2.3", "telemetry.sdk.language": "go"} {
		if got := text(b.resources[0], key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if id := text(b.resources[0], "service.instance.id"); len(id) != 36 {
		t.Errorf("service.instance.id is %q", id)
	}
}

func text(m pcommon.Map, key string) string {
	v, _ := m.Get(key)
	return v.AsString()
}

// checkBatch follows one batch from its upload to the store.
func (b *backend) checkBatch(t *testing.T) {
	ingest, ok := b.find(func(s ptrace.Span) bool { return s.Name() == "ingest" })
	if !ok {
		t.Fatal("nothing was ingested")
	}
	for _, link := range ingest.Links().All() {
		if link.TraceID() != told || text(link.Attributes(), "heliograph.link") != "report" {
			t.Errorf("link to %v", link.TraceID())
		}
	}
	if ingest.Links().Len() != 1 || ingest.Kind() != ptrace.SpanKindConsumer {
		t.Errorf("%d links, kind %v", ingest.Links().Len(), ingest.Kind())
	}
	span := ingest
	for _, name := range []string{"feed", "commit", "upload"} {
		parent, ok := b.find(func(s ptrace.Span) bool { return s.SpanID() == span.ParentSpanID() })
		if !ok || parent.Name() != name || parent.TraceID() != ingest.TraceID() || parent.EndTimestamp() < parent.StartTimestamp() {
			t.Fatalf("the parent of %s is %q in trace %v", span.Name(), parent.Name(), parent.TraceID())
		}
		span = parent
	}
	if id := ingest.TraceID().String(); !span.ParentSpanID().IsEmpty() || text(span.Attributes(), "heliograph.batch.id") != id ||
		text(span.Attributes(), "heliograph.collector.id") != "c1" || text(span.Attributes(), "heliograph.result") != "stored" || span.Kind() != ptrace.SpanKindServer {
		t.Errorf("upload of %s: %v", id, span.Attributes().AsRaw())
	}
}

// checkIncident follows the incident from the judgement to the alert.
func (b *backend) checkIncident(t *testing.T) {
	alert, _ := b.find(func(s ptrace.Span) bool { return s.Name() == "alert" && !s.ParentSpanID().IsEmpty() })
	judge, ok := b.find(func(s ptrace.Span) bool { return s.SpanID() == alert.ParentSpanID() })
	if !ok || judge.Name() != "judge" || judge.TraceID() != alert.TraceID() || text(alert.Attributes(), "heliograph.receiver") != "hook" {
		t.Errorf("the alert's parent is %q; %v", judge.Name(), alert.Attributes().AsRaw())
	}
	linked, ok := b.find(func(s ptrace.Span) bool { return s.Name() == "judge" && s.Links().Len() > 0 })
	if !ok {
		t.Fatal("no judgement links to batches")
	}
	batch := linked.Links().At(0)
	if _, ok := b.find(func(s ptrace.Span) bool {
		return s.SpanID() == batch.SpanID() && s.TraceID() == batch.TraceID() && s.Name() == "ingest"
	}); !ok {
		t.Error("the judgement links to nothing")
	}
	for _, l := range b.logs {
		if l.EventName() == "heliograph.incident.opened" {
			checkLog(t, l)
		}
	}
}

func checkLog(t *testing.T, l plog.LogRecord) {
	if l.TraceID().IsEmpty() || l.SpanID().IsEmpty() || l.SeverityNumber() < plog.SeverityNumberWarn || l.Timestamp() == 0 ||
		!strings.HasPrefix(l.Body().AsString(), "tcp.reset for https://shop.test from ") || text(l.Attributes(), "heliograph.target") != "https://shop.test" ||
		text(l.Attributes(), "heliograph.incident.id") != "1" {
		t.Errorf("log record %q: %v", l.Body().AsString(), l.Attributes().AsRaw())
	}
}

// sum returns the last sum of an outcome.
func (b *backend) sum(outcome string) (point pmetric.NumberDataPoint, ok bool) {
	for _, m := range b.metrics {
		if m.Name() != "heliograph.requests" || m.Type() != pmetric.MetricTypeSum {
			continue
		}
		for _, p := range m.Sum().DataPoints().All() {
			if text(p.Attributes(), "heliograph.outcome") == outcome {
				point, ok = p, true
			}
		}
	}
	return point, ok
}

func (b *backend) checkMetrics(t *testing.T) {
	good, _ := b.sum("ok")
	bad, _ := b.sum("tcp.reset")
	if good.DoubleValue() < 52 || bad.DoubleValue() < 26 || good.StartTimestamp() == 0 || text(good.Attributes(), "heliograph.app") != "shop" {
		t.Errorf("%v succeeded, %v failed; %v", good.DoubleValue(), bad.DoubleValue(), good.Attributes().AsRaw())
	}
	for _, m := range b.metrics {
		if m.Name() == "heliograph.requests" && (!m.Sum().IsMonotonic() || m.Sum().AggregationTemporality() != pmetric.AggregationTemporalityCumulative) {
			t.Error("the sum is not cumulative")
		}
	}
}
