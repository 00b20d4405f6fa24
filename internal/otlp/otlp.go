// Package otlp sends spans, metrics and log records to an OpenTelemetry Collector, by OTLP/HTTP
// with its JSON encoding (https://opentelemetry.io/docs/specs/otlp/). Start with [New],
// [Exporter.Run], [Exporter.Span] and [Exporter.Log].
//
// Nothing here may harm the service that is described: queues are bounded, what does not fit is
// dropped and counted, and no method but Run waits for anything. The methods of a nil *Exporter do
// nothing.
package otlp

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/metricset"
)

// Options configures an [Exporter]. Endpoint is required.
type Options struct {
	Endpoint string            // base URL, to which /v1/traces, /v1/metrics and /v1/logs are added
	Headers  map[string]string // of every request; may be nil
	RootCAs  *x509.CertPool    // nil: the system's
	Resource []Attr            // describe the process

	// Share is the share of traces that Sampled selects, 0 to 1.
	Share float64
	// Interval is how often Collect is called; 0: never.
	Interval time.Duration
	// Collect returns the metrics as they are now. It is called by one goroutine and must return
	// soon after ctx has ended. nil: there are none.
	Collect func(ctx context.Context) []Metric

	Logger  *slog.Logger          // nil: no logging
	Metrics prometheus.Registerer // nil: no metrics

	every time.Duration // how often queues are sent; 0: 5 s; for tests
}

// Exporter sends spans, metrics and log records in batches.
type Exporter struct {
	o       Options
	client  *http.Client
	log     *slog.Logger
	sent    *prometheus.CounterVec // signal
	dropped *prometheus.CounterVec // signal, reason
	failing bool                   // owned by Run
	kick    chan struct{}          // has room for one: a queue is half full

	mu    sync.Mutex
	spans []Span // guarded by mu
	logs  []Log  // guarded by mu
}

// The limits of the queues.
const (
	maxQueue = 2048 // spans, or log records
	batch    = 512  // in one request
	every    = 5 * time.Second
)

// The signals, which are the last parts of their paths and values of a label.
const (
	traces  = "traces"
	metrics = "metrics"
	logs    = "logs"
)

// The reasons for which something is dropped.
const (
	dropQueue       = "queue_full"
	dropRefused     = "refused"     // the collector will never accept it
	dropUndelivered = "undelivered" // it could not be delivered in time
)

// New returns an Exporter. It sends nothing until [Exporter.Run] is called.
func New(o Options) (*Exporter, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	e := &Exporter{o: o, log: o.Logger, kick: make(chan struct{}, 1),
		sent:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_otlp_sent_total", Help: "Spans, data points and log records that an OpenTelemetry Collector accepted, by signal."}, []string{"signal"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_otlp_dropped_total", Help: "Spans, data points and log records that were not delivered, by signal and reason."}, []string{"signal", "reason"}),
	}
	e.client = &http.Client{
		Timeout: requestTime,
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: o.RootCAs}, ForceAttemptHTTP2: true,
			MaxIdleConns: 2, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: requestTime},
		// a redirect would send the headers elsewhere
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if _, err := (metricset.Set{e.sent, e.dropped}).Register(o.Metrics); err != nil {
		return nil, fmt.Errorf("otlp: registering metrics: %w", err)
	}
	return e, nil
}

func (o *Options) validate() error {
	o.Endpoint = strings.TrimSuffix(o.Endpoint, "/")
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.every == 0 {
		o.every = every
	}
	var faults []error
	if err := CheckEndpoint(o.Endpoint); err != nil {
		faults = append(faults, err)
	}
	if !(o.Share >= 0 && o.Share <= 1) {
		faults = append(faults, fmt.Errorf("share of traces must be 0 to 1, is %v", o.Share))
	}
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		if err := CheckHeader(name, o.Headers[name]); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// CheckEndpoint returns the fault of a base URL.
func CheckEndpoint(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("%q is not an http or https URL such as http://127.0.0.1:4318", s)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return errors.New("the URL must have no user, query or fragment; use headers")
	case strings.Contains(u.Path, "/v1/"):
		return errors.New("the URL must end before /v1/traces and the like")
	}
	return nil
}

// CheckHeader returns the fault of a header. It does not quote the value, which may be secret.
func CheckHeader(name, value string) error {
	if name == "" || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" || strings.ContainsAny(value, "\r\n\x00") {
		return fmt.Errorf("header %q: a name has letters, digits and hyphens, a value no line end", name)
	}
	return nil
}

// Sampled reports whether a trace is among those that are recorded. All processes with the same
// Share decide alike. It uses the 56 bits of the id that are random by W3C Trace Context Level 2.
func (e *Exporter) Sampled(trace TraceID) bool {
	if e == nil {
		return false
	}
	const all = 1 << 56
	return float64(binary.BigEndian.Uint64(trace[8:])&(all-1)) < e.o.Share*all
}

// Span queues a span that has ended.
func (e *Exporter) Span(s Span) {
	if e != nil {
		enqueue(e, &e.spans, s, traces)
	}
}

// Log queues a log record.
func (e *Exporter) Log(l Log) {
	if e != nil {
		enqueue(e, &e.logs, l, logs)
	}
}

func enqueue[T any](e *Exporter, queue *[]T, one T, signal string) {
	e.mu.Lock()
	n := len(*queue)
	if n < maxQueue {
		*queue = append(*queue, one)
	}
	e.mu.Unlock()
	if n >= maxQueue {
		e.drop(signal, dropQueue, 1)
	}
	if n >= maxQueue/2 {
		select {
		case e.kick <- struct{}{}:
		default: // Run knows
		}
	}
}

func (e *Exporter) drop(signal, reason string, n int) {
	e.dropped.WithLabelValues(signal, reason).Add(float64(n))
}

// take removes at most batch items from a queue.
func take[T any](e *Exporter, queue *[]T) []T {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := min(len(*queue), batch)
	taken := slices.Clone((*queue)[:n])
	*queue = append([]T(nil), (*queue)[n:]...)
	return taken
}

// NewTraceID returns a random id.
func NewTraceID() (id TraceID) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// NewSpanID returns a random id.
func NewSpanID() (id SpanID) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}
