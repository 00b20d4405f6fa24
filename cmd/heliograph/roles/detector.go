package roles

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/heliograph-net/heliograph/detector"
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
	feeds, err := p.feeds(c)
	if err != nil {
		return err
	}
	events, state, err := openStores(ctx, c)
	if err != nil {
		return err
	}
	p.Store = detector.Reader(events, state)
	p.parts.Add(closeStores, lifecycle.Part{Name: "store", Close: func() error { return errors.Join(events.Close(), state.Close()) }})
	p.checks["store"] = func(ctx context.Context) error { return errors.Join(events.Ready(ctx), state.Ready(ctx)) }
	o := detector.Options{Feeds: feeds, Events: events, State: state, Keys: seal.NewKeyring(keys...), Bin: c.Detector.Bin.Duration,
		Grace: c.Detector.Grace.Duration, Logger: p.log, Metrics: p.metrics, Vantages: c.Detector.Vantages,
		Thresholds: detector.Thresholds{Clients: c.Detector.MinClients, Excess: c.Detector.MinExcess, Ratio: c.Detector.MinRatio}}
	if c.Prober.Vantage != "" { // one configuration may be for both
		o.Vantages = append(slices.Clone(o.Vantages), c.Prober.Vantage)
	}
	if p.names != nil {
		o.NetworkName = p.names.Name
	}
	d, err := detector.New(o)
	if err != nil {
		return err
	}
	p.detector, p.probes = d, d.Servers()
	inForce := d.Thresholds()
	p.thresholds = judge.Thresholds{Clients: inForce.Clients, Failures: inForce.Excess}
	p.parts.Add(endWork, lifecycle.Part{Name: "detector", Run: d.Run})
	return nil
}

// feeds are the remote ones, and the inbox of the collector in this process.
func (p *Process) feeds(c *Config) (map[string]detector.Feed, error) {
	feeds := map[string]detector.Feed{}
	if p.inbox != nil {
		feeds[c.Collector.ID] = localInbox{p.inbox, localReader(c)}
	}
	if len(c.Detector.Feeds) == 0 {
		if p.inbox == nil {
			return nil, fmt.Errorf("detector.feeds: name at least one collector, this process has none of its own")
		}
		return feeds, nil
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
		feed, err := detector.NewRemoteFeed(detector.FeedOptions{URL: f.URL, Collector: f.ID, Key: key, RootCAs: roots})
		if err != nil {
			return nil, fmt.Errorf("detector.feeds: %s: %w", f.ID, err)
		}
		if feeds[f.ID] != nil {
			return nil, fmt.Errorf("detector.feeds: two collectors have the id %q", f.ID)
		}
		feeds[f.ID] = feed
	}
	return feeds, nil
}
