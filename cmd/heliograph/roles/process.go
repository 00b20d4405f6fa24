package roles

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/heliograph-net/heliograph/cmd/heliograph/telemetry"
	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/slo"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/heatmap/history"
	"github.com/heliograph-net/heliograph/internal/httpserve"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/nettable"
	"github.com/heliograph-net/heliograph/internal/ops"
	"github.com/heliograph-net/heliograph/model"
)

// Roles is the set of roles of a process.
type Roles struct{ Collector, Detector, Prober bool }

// Options configures a [Process]. Config and Logger are required.
type Options struct {
	Config *Config
	Roles  Roles
	Logger *slog.Logger
	// Level is the level that PUT /log/level changes. If it is nil, there is no such path.
	Level *slog.LevelVar
	// ReopenLog opens the log's file again at a reload. It is nil if the log is not a file.
	ReopenLog func() error
	// version of this program, sent with results and shown in metrics; may be empty
	Version string
	// Hangup receives SIGHUP. The Process then reads the configuration and the files that it names
	// again. It may be nil. The caller must keep the channel registered as long as the process
	// lives, or SIGHUP kills it.
	Hangup <-chan os.Signal
	// Linger is the least time for which a collector that is told to stop still answers agents,
	// telling them to try later. 0 means no longer than it takes to drain.
	Linger time.Duration
}

// The steps in which a process ends, in the order in which work flows through it, and the time by
// which each must be over.
const (
	endProber       = iota // the last results go to the detector or the collectors
	drainCollector         // the listener still answers, and tells agents to go elsewhere
	closeCollector         // the collector's listener ends
	endWork                // detector, streams of the page, and watches of files
	closePage              // the page's listener
	closeStores            // store and inbox
	closeOperations        // health and metrics are available to the last
)

var endedBy = [...]time.Duration{
	endProber:       2000 * time.Millisecond,
	drainCollector:  2600 * time.Millisecond,
	closeCollector:  3000 * time.Millisecond,
	endWork:         4200 * time.Millisecond,
	closePage:       4500 * time.Millisecond,
	closeStores:     4700 * time.Millisecond,
	closeOperations: 4900 * time.Millisecond,
}

// Process is a set of roles with their listeners and the operations listener.
type Process struct {
	// host:port as bound; empty for a role that the process does not have
	CollectorAddr, DashboardAddr, OperationsAddr, StatusAddr, ScrapeAddr, HeartbeatAddr string

	Store model.Reader // reports and incidents; nil without a detector

	journal dashboards.Journal                     // likewise
	mutes   dashboards.Mutes                       // likewise
	budgets func() ([]model.ObjectiveStatus, bool) // likewise

	parts    *lifecycle.Group
	log      *slog.Logger
	metrics  *prometheus.Registry
	checks   map[string]ops.Check // of readiness
	reloads  *reloads
	stopping atomic.Bool

	// what one role provides for another; nil if absent
	names      *nettable.Live
	inbox      collector.Inbox
	detector   *detector.Detector
	objectives *slo.Watcher        // nil without a detector
	probes     *heatmap.Map        // of the detector or the prober
	past       *history.Log        // of probes
	compared   atomic.Bool         // see localInbox
	served     *servedPolicy       // by the collector
	attempts   attempts            // to alert somebody
	status     *statusPage         // nil if there is none
	telemetry  *telemetry.Pipeline // nil if it is off
	counts     *telemetry.Counts   // nil without a detector
}

// New builds the roles as configured and binds their listeners. ctx applies to the opening of
// stores. If New fails, nothing stays open.
func New(ctx context.Context, o Options) (p *Process, err error) {
	p = newProcess(o.Logger, o.Version)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("starting: %w", err), p.parts.Close())
		}
	}()
	c := o.Config
	p.reloads = &reloads{log: o.Logger, report: newReloadReport(o.Logger, p.metrics), hangup: o.Hangup, current: c, load: c.again}
	p.reloads.addLog(o.ReopenLog)
	p.reloads.fix(map[string]func(*Config) any{
		"operations.listen": func(c *Config) any { return c.Operations.Listen },
		"operations.hosts":  func(c *Config) any { return c.Operations.Hosts },
		// another table does not need a restart
		"networks": func(c *Config) any { return c.Networks != "" },
	})
	if err := p.addNetworks(c); err != nil {
		return p, err
	}
	if err := p.addTelemetry(c, o.Roles, o.Version); err != nil {
		return p, err
	}
	if o.Roles.Collector {
		if err := p.addCollector(c, o.Roles.Detector); err != nil {
			return p, err
		}
		p.parts.Add(drainCollector, lifecycle.Part{Name: "lingering", Run: func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(o.Linger)
			return nil
		}})
	}
	if o.Roles.Detector {
		if err := p.addDetector(ctx, c); err != nil {
			return p, err
		}
		if err := p.addMapHistory(c); err != nil {
			return p, err
		}
	}
	if o.Roles.Prober {
		if err := p.addProber(c, o.Version); err != nil {
			return p, err
		}
	}
	// the results of a prober that delivers are shown where they arrive
	if o.Roles.Detector || o.Roles.Prober && c.Prober.Policy == "" {
		if err := p.addDashboard(c); err != nil {
			return p, err
		}
		if err := p.addStatus(c); err != nil {
			return p, err
		}
	}
	p.parts.Add(endWork, lifecycle.Part{Name: "reloading", Run: p.reloads.run})
	return p, p.addOperations(c.Operations, o.Level)
}

func newProcess(log *slog.Logger, version string) *Process {
	p := &Process{log: log, metrics: prometheus.NewRegistry(), checks: map[string]ops.Check{}, parts: lifecycle.NewGroup(endedBy[:]...)}
	p.metrics.MustRegister(buildInfo(version), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return p
}

// Run works until ctx ends or a part fails, whose error it returns. It then ends the parts within
// five seconds, in the order in which work flows through them and the operations listener last. It
// may be called once.
func (p *Process) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() {
		p.stopping.Store(true)
		p.log.Info("stopping")
	})()
	return p.parts.Run(ctx)
}

// Close releases the ports and files of a Process that is not run.
func (p *Process) Close() error { return p.parts.Close() }

// listen adds a listener and returns its address.
func (p *Process) listen(step int, o httpserve.Options) (addr string, err error) {
	o.Logger, o.Metrics = p.log, p.metrics
	s, err := httpserve.New(o)
	if err != nil {
		return "", err
	}
	p.parts.Add(step, s.Part())
	return s.Addr(), nil
}

// addOperations adds the listener for health, metrics and profiles, with the checks that the roles
// have added before.
func (p *Process) addOperations(c ListenConfig, level *slog.LevelVar) (err error) {
	p.checks["reload"] = p.reloads.report.check
	p.checks["process"] = func(context.Context) error {
		if p.stopping.Load() {
			return errors.New("is stopping")
		}
		return nil
	}
	p.OperationsAddr, err = p.listen(closeOperations, httpserve.Options{Name: "operations", Listen: c.Listen,
		// a CPU profile takes as long as it was asked for
		Handler: ops.Handler(p.metrics, p.checks, level, c.Hosts...), WriteTimeout: -1})
	return err
}
