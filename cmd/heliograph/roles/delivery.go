package roles

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/internal/ops"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// Limits of a prober's spool, which must keep results for days without a collector. About 10,000
// results take a megabyte.
const (
	proberSpoolBytes    = 256 << 20
	proberSpoolSegments = 16 << 10
)

// deliverAtEnd is the time limit of the last delivery when a prober ends. The spool keeps the rest.
const deliverAtEnd = time.Second

// delivery delivers the results of a prober to the collectors of a policy, with an agent
// of its own.
type delivery struct {
	*agent.Agent
	log     *slog.Logger
	failing atomic.Bool // the last upload was not accepted
}

// newDelivery starts the agent. The caller must call close.
func newDelivery(c *Config, version string, log *slog.Logger, metrics prometheus.Registerer) (*delivery, error) {
	signed, err := readLimited(c.File(c.Prober.Policy), policy.MaxSize)
	if err != nil {
		return nil, fmt.Errorf("prober.policy: %w", err)
	}
	roots, err := loadRoots(c.File(c.Prober.CollectorsCA))
	if err != nil {
		return nil, fmt.Errorf("prober.collectors_ca: %w", err)
	}
	spool, err := diskspool.Open(c.File(c.Prober.Spool), diskspool.Options{
		MaxBytes: proberSpoolBytes, MaxSegments: proberSpoolSegments,
	})
	if err != nil {
		return nil, fmt.Errorf("prober.spool: %w", err)
	}
	d := &delivery{log: log}
	d.Agent, err = agent.New(agent.Options{
		App: "heliograph-prober", Version: version, Policy: signed, Consent: report.Counts,
		Uncapped: true, Spool: spool, OnEvent: d.heard,
		Transport: httpagent.NewTransport(httpagent.TransportOptions{RootCAs: roots}),
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prober.policy: %w", err), spool.Close())
	}
	if err := d.register(metrics); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// close delivers what it can and ends the agent. What remains waits for the next run.
func (d *delivery) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), deliverAtEnd)
	defer cancel()
	err := d.Shutdown(ctx)
	if remain, ok := errors.AsType[*agent.RemainError](err); ok {
		d.log.Info("results wait for the next run", "component", "prober",
			"segments", remain.Segments, "bytes", remain.Bytes)
		return nil
	}
	return err
}

// heard logs what an operator should know. The agent makes one call at a time.
func (d *delivery) heard(e agent.Event) {
	log := d.log.With("component", "prober")
	switch e.Kind {
	case agent.EventDelivered:
		if d.failing.Swap(false) {
			log.Info("results are delivered again", "collector", e.Collector)
		}
	case agent.EventNotDelivered:
		if !d.failing.Swap(true) {
			log.Warn("results cannot be delivered and wait in the spool", "collector", e.Collector,
				"outcome", e.Outcome, "reason", e.Reason, "error", e.Err)
		}
	case agent.EventDropped:
		log.Warn("results are lost", "reason", e.Reason, "records", e.Count)
	case agent.EventPolicyRefused:
		log.Warn("no newer policy", "collector", e.Collector, "outcome", e.Outcome, "error", e.Err)
	case agent.EventPanic:
		log.Error("the agent caught a panic of its own", "error", e.Err)
	}
}

// check returns a warning for readiness if results cannot be delivered. The prober goes on working.
func (d *delivery) check(context.Context) error {
	if n := d.Stats().Pending; n > 0 && d.failing.Load() {
		return ops.Warning(fmt.Sprintf("%d segments wait for a collector", n))
	}
	return nil
}

// register registers metrics for what the agent counts.
func (d *delivery) register(to prometheus.Registerer) error {
	dropped := func(s agent.Stats) (n float64) {
		for _, records := range s.Dropped {
			n += float64(records)
		}
		return n
	}
	var errs []error
	counter := func(name, help string, of func(agent.Stats) float64) {
		o := prometheus.CounterOpts{Name: "heliograph_prober_" + name, Help: help}
		errs = append(errs, to.Register(prometheus.NewCounterFunc(o, func() float64 { return of(d.Stats()) })))
	}
	gauge := func(name, help string, of func(agent.Stats) float64) {
		o := prometheus.GaugeOpts{Name: "heliograph_prober_" + name, Help: help}
		errs = append(errs, to.Register(prometheus.NewGaugeFunc(o, func() float64 { return of(d.Stats()) })))
	}
	counter("delivered_segments_total", "Segments of results that a collector has, by its receipt.",
		func(s agent.Stats) float64 { return float64(s.Delivered) })
	counter("delivered_bytes_total", "Bytes of these segments.",
		func(s agent.Stats) float64 { return float64(s.DeliveredBytes) })
	counter("upload_attempts_total", "Uploads tried.", func(s agent.Stats) float64 { return float64(s.Attempts) })
	counter("dropped_records_total", "Records of results that are lost.", dropped)
	gauge("spool_segments", "Segments that wait for a collector.",
		func(s agent.Stats) float64 { return float64(s.Pending) })
	gauge("spool_bytes", "Bytes of the segments that wait for a collector.",
		func(s agent.Stats) float64 { return float64(s.PendingBytes) })
	return errors.Join(errs...)
}
