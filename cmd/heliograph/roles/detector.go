package roles

import (
	"context"
	"fmt"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/model/judge"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

// addDetector adds a detector and its store.
func (p *Process) addDetector(ctx context.Context, c *Config) error {
	var keys []*seal.OpenKey
	for _, name := range c.Detector.OpenKeys {
		key, err := readKey(c.dir, name, keyfile.ParseOpenKey)
		if err != nil {
			return fmt.Errorf("detector.open_keys: %w", err)
		}
		keys = append(keys, key)
	}
	sources, err := p.sources(c)
	if err != nil {
		return err
	}
	store, err := sqlitestore.Open(ctx, c.File(c.Detector.Store))
	if err != nil {
		return fmt.Errorf("detector.store: %w", err)
	}
	p.Store = store
	p.parts.Add(closeStores, lifecycle.Part{Name: "store", Close: store.Close})
	p.checks["store"] = store.Ready
	o := detector.Options{Sources: sources, Store: store, Keys: seal.NewKeyring(keys...), Bin: c.Detector.Bin.Duration,
		Grace: c.Detector.Grace.Duration, Logger: p.log, Metrics: p.metrics,
		Floors: detector.Floors{Clients: c.Detector.MinClients, Excess: c.Detector.MinExcess, Ratio: c.Detector.MinRatio}}
	if p.probes != nil {
		o.Probes = witness{p.probes}
	}
	if p.names != nil {
		o.NetworkName = p.names.Name
	}
	d, err := detector.New(o)
	if err != nil {
		return err
	}
	inForce := d.Thresholds()
	p.thresholds = judge.Thresholds{Clients: inForce.Clients, Failures: inForce.Excess}
	p.parts.Add(endWork, lifecycle.Part{Name: "detector", Run: d.Run})
	return nil
}

// sources are the remote feeds, or the inbox of the collector in this process.
func (p *Process) sources(c *Config) (map[string]detector.Source, error) {
	sources := map[string]detector.Source{}
	if p.inbox != nil {
		sources[c.Collector.ID] = localInbox{p.inbox, localReader(c)}
	}
	if len(c.Detector.Feeds) == 0 {
		if p.inbox == nil {
			return nil, fmt.Errorf("detector.feeds: name at least one collector, this process has none of its own")
		}
		return sources, nil
	}
	key, err := readKey(c.dir, c.Detector.FeedKey, keyfile.ParseSigningKey)
	if err != nil {
		return nil, fmt.Errorf("detector.feed_key: %w", err)
	}
	roots, err := loadRoots(c.File(c.Detector.FeedCA))
	if err != nil {
		return nil, fmt.Errorf("detector.feed_ca: %w", err)
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
