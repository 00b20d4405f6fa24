package roles

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/internal/certs"
	"github.com/heliograph-net/heliograph/internal/httpserve"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/nettable"
	"github.com/heliograph-net/heliograph/internal/ops"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/prober"
	"github.com/heliograph-net/heliograph/report"
)

// Roles says which roles a process has.
type Roles struct{ Collector, Detector, Prober bool }

// Node is a running process: some roles, their listeners and the operations listener.
type Node struct {
	stack   lifecycle.Stack
	failed  chan error // the first failure of any part
	log     *slog.Logger
	metrics *prometheus.Registry
	checks  map[string]ops.Check

	// host:port as bound; "" for a role that is not there
	CollectorAddr, DashboardAddr, OperationsAddr string

	Store  detector.Store // nil without a detector
	inbox  collector.Inbox
	probes *heatmap.Map
	names  *nettable.Live // nil: no table of networks
}

// Start starts the roles as configured. When it fails, what was started is stopped again.
func Start(ctx context.Context, c *Config, r Roles, log *slog.Logger) (n *Node, err error) {
	n = &Node{failed: make(chan error, 8), log: log, metrics: prometheus.NewRegistry(), checks: map[string]ops.Check{}}
	n.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	defer func() {
		if err != nil {
			err = fmt.Errorf("starting: %w", err)
			_ = n.Close(context.WithoutCancel(ctx))
		}
	}()
	if c.Networks != "" {
		if err := n.startNetworks(ctx, c); err != nil {
			return n, err
		}
	}
	if r.Prober {
		if err := n.startProber(ctx, c); err != nil {
			return n, err
		}
	}
	if r.Collector {
		if err := n.startCollector(ctx, c, r.Detector); err != nil {
			return n, err
		}
	}
	if r.Detector {
		if err := n.startDetector(ctx, c); err != nil {
			return n, err
		}
	}
	if r.Detector || r.Prober {
		if err := n.startDashboard(c); err != nil {
			return n, err
		}
	}
	n.OperationsAddr, err = n.serve(httpserve.Options{Name: "operations", Listen: c.Operations.Listen, Handler: ops.Handler(n.metrics, n.checks, c.Level),
		WriteTimeout: -1}) // a CPU profile takes as long as it was asked for
	return n, err
}

// Wait returns when ctx ends, with nil, or when a part fails, with its error.
func (n *Node) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.failed:
		return err
	}
}

// Close stops everything: first what accepts, then what works, then what stores.
func (n *Node) Close(ctx context.Context) error { return n.stack.Close(ctx) }

func (n *Node) fail(err error) {
	select {
	case n.failed <- err:
	default: // Wait has enough to report
	}
}

func (n *Node) serve(o httpserve.Options) (addr string, err error) {
	o.Logger = n.log
	s, err := httpserve.Start(o)
	if err != nil {
		return "", err
	}
	n.stack.Defer(o.Name+" listener", s.Shutdown)
	go func() { // ends with the listener
		if err := s.Wait(); err != nil {
			n.fail(err)
		}
	}()
	return s.Addr(), nil
}

// startCollector starts a collector, whose inbox a detector in this process may read.
func (n *Node) startCollector(ctx context.Context, c *Config, detector bool) error {
	settings, err := n.collectorSettings(c, detector)
	if err != nil {
		return err
	}
	inbox, err := sqliteinbox.Open(c.File(c.Collector.Inbox), sqliteinbox.Options{MaxBytes: c.Collector.MaxBytes, MaxAge: c.Collector.MaxAge.Duration})
	if err != nil {
		return fmt.Errorf("collector.inbox: %w", err)
	}
	n.inbox = inbox
	n.stack.Defer("inbox", func(context.Context) error { return inbox.Close() })
	n.checks["inbox"] = inbox.Check
	col, err := collector.New(collector.Options{ID: c.Collector.ID, Inbox: inbox, Settings: settings, Logger: n.log, Metrics: n.metrics,
		Limits: collector.Limits{Requests: c.Collector.SourceRequests, Bytes: c.Collector.SourceBytes, NewNetworks: c.Collector.NewSources}})
	if err != nil {
		return err
	}
	n.checks["collector"] = func(context.Context) error {
		if outlook := col.Outlook(time.Now()); outlook != "" {
			return ops.Warning(outlook)
		}
		return nil
	}
	listen := httpserve.Options{Name: "collector", Listen: c.Collector.Listen, Handler: col.Handler(), WriteTimeout: -1} // the feed is polled long; the collector sets deadlines
	if listen.TLS, err = n.collectorTLS(c); err != nil {
		return err
	}
	if n.CollectorAddr, err = n.serve(listen); err != nil {
		return err
	}
	// its end comes before that of the listener, which it needs to tell agents to come later
	n.stack.Go(context.WithoutCancel(ctx), "collector", col.Run, n.fail)
	if listen.TLS != nil {
		n.watchCertificates(ctx, listen.TLS, c.Collector.ACME.Names)
	}
	n.reloadCollector(ctx, c, detector, col)
	return nil
}

// collectorTLS is the collector's certificate: from files, from an ACME authority, or none.
func (n *Node) collectorTLS(c *Config) (*tls.Config, error) {
	acme := c.Collector.ACME
	switch {
	case c.Collector.TLSCert != "":
		conf, err := certs.Files(c.File(c.Collector.TLSCert), c.File(c.Collector.TLSKey), func(err error) {
			n.log.Error("the certificate was not replaced, the one before stays in use", "component", "collector", "error", err)
		})
		if err != nil {
			return nil, fmt.Errorf("collector.tls_cert: %w", err)
		}
		return conf, nil
	case len(acme.Names) > 0:
		roots, err := loadRoots(c.File(acme.CA))
		if err != nil {
			return nil, fmt.Errorf("collector.acme.ca: %w", err)
		}
		conf, err := certs.ACME(certs.ACMEOptions{Names: acme.Names, Cache: c.File(acme.Cache), Directory: acme.Directory, Email: acme.Email, RootCAs: roots})
		if err != nil {
			return nil, fmt.Errorf("collector.acme: %w", err)
		}
		return conf, nil
	default:
		return nil, nil
	}
}

func (n *Node) startDetector(ctx context.Context, c *Config) error {
	var keys []*seal.OpenKey
	for _, name := range c.Detector.OpenKeys {
		key, err := readKey(c.dir, name, keyfile.ParseOpenKey)
		if err != nil {
			return fmt.Errorf("detector.open_keys: %w", err)
		}
		keys = append(keys, key)
	}
	sources, err := n.sources(c)
	if err != nil {
		return err
	}
	store, err := sqlitestore.Open(ctx, c.File(c.Detector.Store))
	if err != nil {
		return fmt.Errorf("detector.store: %w", err)
	}
	n.Store = store
	n.stack.Defer("store", func(context.Context) error { return store.Close() })
	n.checks["store"] = store.Ready
	o := detector.Options{Sources: sources, Store: store, Keys: seal.NewKeyring(keys...), Bin: c.Detector.Bin.Duration,
		Grace: c.Detector.Grace.Duration, Logger: n.log, Metrics: n.metrics,
		Floors: detector.Floors{Clients: c.Detector.MinClients, Excess: c.Detector.MinExcess, Ratio: c.Detector.MinRatio}}
	if n.probes != nil {
		o.Probes = witness{n.probes}
	}
	if n.names != nil {
		o.NetworkName = n.names.Name
	}
	d, err := detector.New(o)
	if err != nil {
		return err
	}
	n.stack.Go(context.WithoutCancel(ctx), "detector", d.Run, n.fail)
	return nil
}

// sources are the remote feeds, or the inbox of the collector in this process.
func (n *Node) sources(c *Config) (map[string]detector.Source, error) {
	if len(c.Detector.Feeds) == 0 {
		if n.inbox == nil {
			return nil, fmt.Errorf("detector.feeds: name at least one collector, this process has none of its own")
		}
		return map[string]detector.Source{c.Collector.ID: localInbox{n.inbox, localReader(c)}}, nil
	}
	key, err := readKey(c.dir, c.Detector.FeedKey, keyfile.ParseSigningKey)
	if err != nil {
		return nil, fmt.Errorf("detector.feed_key: %w", err)
	}
	roots, err := loadRoots(c.File(c.Detector.FeedCA))
	if err != nil {
		return nil, fmt.Errorf("detector.feed_ca: %w", err)
	}
	sources := map[string]detector.Source{}
	if n.inbox != nil {
		sources[c.Collector.ID] = localInbox{n.inbox, localReader(c)}
	}
	for _, f := range c.Detector.Feeds {
		feed, err := detector.NewFeedSource(detector.FeedOptions{URL: f.URL, Collector: f.ID, Key: key, RootCAs: roots})
		if err != nil {
			return nil, fmt.Errorf("detector.feeds: %s: %w", f.ID, err)
		}
		if sources[f.ID] != nil {
			return nil, fmt.Errorf("detector.feeds: two collectors have the id %q", f.ID)
		}
		sources[f.ID] = feed
	}
	return sources, nil
}

func (n *Node) startProber(ctx context.Context, c *Config) error {
	o, err := proberOptions(c)
	if err != nil {
		return err
	}
	o.Logger, o.Metrics = n.log, n.metrics
	p, err := prober.New(o)
	if err != nil {
		return err
	}
	n.probes = p.Map()
	n.stack.Go(context.WithoutCancel(ctx), "prober", p.Run, n.fail)
	return nil
}

func (n *Node) startDashboard(c *Config) error {
	o := dashboards.Options{Servers: n.probes, Logger: n.log, Reader: noReports{},
		// short bins come with short outages: a demonstration, a test
		Step: min(time.Minute, 5*c.Detector.Bin.Duration)}
	if n.Store != nil {
		o.Reader = n.Store
	}
	if n.names != nil {
		o.NetworkName = n.names.Name
	}
	d, err := dashboards.New(o)
	if err != nil {
		return err
	}
	n.DashboardAddr, err = n.serve(httpserve.Options{Name: "dashboard", Listen: c.Dashboard.Listen, Handler: d, WriteTimeout: -1}) // streams have no end
	// before the listener, which waits for streams
	n.stack.Defer("dashboard", d.Shutdown)
	return err
}

// localInbox is the inbox of this process's collector as the detector's source.
type localInbox struct {
	collector.Inbox
	reader string
}

// localReader is the name under which the detector of this process reads the inbox: that of its
// feed key, so that it is one reader whether it reads the inbox or the feed.
func localReader(c *Config) string {
	key, err := readKey(c.dir, c.Detector.FeedKey, keyfile.ParseSigningKey)
	if err != nil { // a detector that reads no feed needs no key
		return "local"
	}
	return collector.ReaderName(key.Public().(ed25519.PublicKey))
}

// Ack acknowledges for the detector of this process.
func (l localInbox) Ack(ctx context.Context, upTo uint64) error {
	return l.Inbox.Ack(ctx, l.reader, upTo)
}

// Read translates the one error that the detector branches on.
func (l localInbox) Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error) {
	batches, err := l.Inbox.Read(ctx, after, limit)
	if errors.Is(err, collector.ErrCursor) {
		err = fmt.Errorf("%w: %w", detector.ErrCursor, err)
	}
	return batches, err
}

// witness shows the prober's map to the detector.
type witness struct{ servers *heatmap.Map }

func (w witness) ServerDown(server string) (down, known bool) {
	for _, i := range w.servers.Topology().ByAddress(server) {
		if s, _ := w.servers.State(i); s != heatmap.Unknown {
			known = true
		}
	}
	return w.servers.Down(server), known
}

// loadRoots adds the certificates of a PEM file to the system's; nil for no file.
func loadRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readLimited(path, 1<<20)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no PEM certificate", path)
	}
	return pool, nil
}

// ServerDown says whether the prober sees the server at address and port down.
func (n *Node) ServerDown(server string) bool { return n.probes != nil && n.probes.Down(server) }

// noReports is what a dashboard without a detector reads.
type noReports struct{}

func (noReports) Totals(context.Context, model.TotalsQuery) ([]model.Total, error) {
	return nil, nil
}
func (noReports) Samples(context.Context, model.SampleQuery) ([]model.Sample, error) {
	return nil, nil
}
func (noReports) Incidents(context.Context, time.Time) ([]model.Incident, error)  { return nil, nil }
func (noReports) Servers(context.Context, time.Time) ([]model.ServerCount, error) { return nil, nil }
func (noReports) Batches(context.Context, time.Time) (uint64, error)              { return 0, nil }
func (noReports) Batch(context.Context, report.BatchID) (model.BatchInfo, bool, error) {
	return model.BatchInfo{}, false, nil
}
func (noReports) Reachability(context.Context, time.Time, time.Duration) ([]model.Reach, error) {
	return nil, nil
}
