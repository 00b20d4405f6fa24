package roles

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/cmd/heliograph/telemetry"
	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/otlp"
)

// OTLPConfig says what is sent to an OpenTelemetry Collector.
type OTLPConfig struct {
	Endpoint    string            `yaml:"endpoint"` // base URL; empty: nothing is sent
	Headers     map[string]string `yaml:"headers"`  // of every request
	HeadersFile string            `yaml:"headers_file"`
	CA          string            `yaml:"ca"`      // PEM file of the authority of its certificate
	Traces      float64           `yaml:"traces"`  // share of the batches that are traced
	Metrics     Duration          `yaml:"metrics"` // how often; 0: never
	Logs        bool              `yaml:"logs"`    // incidents as log records
}

// checkOTLP complains about what is sent to an OpenTelemetry Collector.
func (c *Config) checkOTLP(bad complaint) {
	o := &c.OTLP
	if o.Endpoint != "" {
		if err := otlp.CheckEndpoint(o.Endpoint); err != nil {
			bad("otlp.endpoint", "%v", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		if err := otlp.CheckHeader(name, o.Headers[name]); err != nil {
			bad("otlp.headers", "%v", err)
		}
	}
	if !(o.Traces >= 0 && o.Traces <= 1) {
		bad("otlp.traces", "%v is not a share, 0 to 1", o.Traces)
	}
	if o.Metrics.bad != "" || o.Metrics.Duration < 0 {
		bad("otlp.metrics", "%v is not a duration such as 1m, or 0s for never", o.Metrics)
	}
}

// otlpHeaders returns the headers of every request, with those in the file.
func (c *Config) otlpHeaders() (map[string]string, error) {
	all := map[string]string{}
	maps.Copy(all, c.OTLP.Headers)
	if c.OTLP.HeadersFile == "" {
		return all, nil
	}
	text, err := readLimited(c.File(c.OTLP.HeadersFile), 64<<10)
	if err != nil {
		return nil, fmt.Errorf("otlp.headers_file: %w", err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || otlp.CheckHeader(name, value) != nil {
			return nil, fmt.Errorf("otlp.headers_file: %s:%d: want a header, such as \"authorization: Bearer …\"", c.File(c.OTLP.HeadersFile), n)
		}
		all[name] = strings.TrimSpace(value)
	}
	return all, nil
}

// addTelemetry adds what sends spans, metrics and log records, if it is configured. The roles are
// added later.
func (p *Process) addTelemetry(c *Config, r Roles, version string) error {
	p.reloads.fix(map[string]func(*Config) any{
		"otlp.endpoint":     func(c *Config) any { return c.OTLP.Endpoint },
		"otlp.headers":      func(c *Config) any { return c.OTLP.Headers },
		"otlp.headers_file": func(c *Config) any { return c.OTLP.HeadersFile },
		"otlp.ca":           func(c *Config) any { return c.OTLP.CA },
		"otlp.traces":       func(c *Config) any { return c.OTLP.Traces },
		"otlp.metrics":      func(c *Config) any { return c.OTLP.Metrics },
		"otlp.logs":         func(c *Config) any { return c.OTLP.Logs },
	})
	if c.OTLP.Endpoint == "" {
		return nil
	}
	headers, err := c.otlpHeaders()
	if err != nil {
		return err
	}
	roots, err := loadRoots(c.File(c.OTLP.CA))
	if err != nil {
		return fmt.Errorf("otlp.ca: %w", err)
	}
	e, err := otlp.New(otlp.Options{Endpoint: c.OTLP.Endpoint, Headers: headers, RootCAs: roots, Resource: resource(r, version), Share: c.OTLP.Traces,
		Interval: c.OTLP.Metrics.Duration, Logger: p.log, Metrics: p.metrics, Collect: func(ctx context.Context) []otlp.Metric {
			if p.counts == nil {
				return nil
			}
			return p.counts.Collect(ctx)
		}})
	if err != nil {
		return fmt.Errorf("otlp: %w", err)
	}
	p.telemetry = telemetry.New(e, c.OTLP.Logs)
	// after the roles have ended, and before the store is closed
	p.parts.Add(closePage, lifecycle.Part{Name: "telemetry", Run: e.Run})
	return nil
}

// traceCollector returns what traces a collector, or nil.
func (p *Process) traceCollector(id string) func(collector.Trace) {
	if p.telemetry == nil {
		return nil
	}
	return func(t collector.Trace) { p.telemetry.Collector(id, t) }
}

// resource describes this process by OpenTelemetry's semantic conventions. The instance has another
// id after every start.
func resource(r Roles, version string) []otlp.Attr {
	name := "heliograph"
	switch r {
	case Roles{Collector: true}:
		name = "heliograph-collector"
	case Roles{Detector: true}:
		name = "heliograph-detector"
	case Roles{Prober: true}:
		name = "heliograph-prober"
	}
	all := []otlp.Attr{{Key: "service.name", Value: name}, {Key: "service.instance.id", Value: newUUID()},
		{Key: "telemetry.sdk.name", Value: "heliograph"}, {Key: "telemetry.sdk.language", Value: "go"}}
	if version != "" {
		all = append(all, otlp.Attr{Key: "service.version", Value: version}, otlp.Attr{Key: "telemetry.sdk.version", Value: version})
	}
	return all
}

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
