package roles

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/natsfeed"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/ops"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

// addDetector adds a detector and its stores.
func (p *Process) addDetector(ctx context.Context, c *Config) error {
	s, err := p.detectorSettings(c)
	if err != nil {
		return err
	}
	var events detector.Events
	var state detector.State
	if err := slowly(p.log, "detector.store", func() (err error) {
		events, state, err = c.Detector.Store.Open(ctx, c.dir)
		return err
	}); err != nil {
		return fmt.Errorf("detector.store: %w", err)
	}
	if measured, ok := events.(prometheus.Collector); ok {
		p.metrics.MustRegister(measured)
	}
	p.Store, p.journal, p.mutes = detector.Reader(events, state), state, state
	p.parts.Add(closeStores, lifecycle.Part{Name: "store", Close: func() error { return errors.Join(events.Close(), state.Close()) }})
	if err := p.addObjectives(c); err != nil {
		return err
	}
	o := detector.Options{Feeds: s.Feeds, Objectives: p.budgets, Events: events, State: state, Keys: s.Keys, Bin: c.Detector.Bin.Duration, Lapse: c.Detector.Lapse,
		Retention: detector.Retention{MaxBytes: c.Detector.MaxBytes}, Grace: c.Detector.Grace.Duration, Logger: p.log, Metrics: p.metrics, Vantages: s.Vantages, Watched: s.Watched, ProbesAgree: c.Detector.VantagesAgree, Thresholds: s.Thresholds,
		Timed: c.timed()}
	if p.telemetry != nil {
		o.Trace, p.counts = p.telemetry.Detector, p.telemetry.Counts(p.Store, p.log, time.Now())
	}
	if p.names != nil {
		o.NetworkName = p.names.Name
	}
	if err := p.addGroup(c, &o); err != nil {
		return err
	}
	d, err := detector.New(o)
	if err != nil {
		return err
	}
	p.checks["store"] = func(ctx context.Context) error {
		if err := d.Ready(ctx); err != nil {
			return err
		}
		full, err := d.StoreOutlook(ctx)
		if err == nil && full != "" {
			return ops.Warning(full)
		}
		return err
	}
	p.checks["detector"] = func(context.Context) error { return sight(d.Conditions()) }
	p.checks["quarantine"] = func(ctx context.Context) error {
		waits, err := d.QuarantineOutlook(ctx)
		if err == nil && waits != "" {
			// only a warning, because anybody can seal batches to unknown keys
			return ops.Warning(waits + "; if it is yours, put it into detector.open_keys and reload")
		}
		return err
	}
	p.detector, p.probes = d, d.Servers()
	p.parts.Add(endWork, lifecycle.Part{Name: "detector", Run: d.Run})
	p.reloads.add("detector", func(next *Config) ([]any, error) { return p.reloadDetector(next, d) })
	p.reloads.fix(map[string]func(*Config) any{
		"detector.objectives":      func(c *Config) any { return c.Detector.Objectives },
		"detector.vantages_agree":  func(c *Config) any { return c.Detector.VantagesAgree },
		"detector.group":           func(c *Config) any { return c.Detector.Group },
		"detector.store":           func(c *Config) any { return c.Detector.Store },
		"detector.store_max_bytes": func(c *Config) any { return c.Detector.MaxBytes },
		"detector.bin":             func(c *Config) any { return c.Detector.Bin },
		"detector.grace":           func(c *Config) any { return c.Detector.Grace },
	})
	return p.addAlerts(c, state)
}

// sight returns the conditions that keep a detector from seeing, as a warning unless the detector
// is blind.
func sight(all []detector.Condition) error {
	if len(all) == 0 {
		return nil
	}
	var texts []string
	for _, c := range all {
		texts = append(texts, c.Name+": "+c.Text)
	}
	text := strings.Join(texts, "; ")
	if all[0].Blind { // blind conditions come first
		return errors.New(text)
	}
	return ops.Warning(text)
}

// detectorSettings returns the settings that a detector can change while it runs.
func (p *Process) detectorSettings(c *Config) (s detector.Settings, err error) {
	keys, err := openKeys(c)
	if err != nil {
		return s, err
	}
	s = detector.Settings{Keys: keys, Vantages: vantages(c), Watched: c.Detector.Vantages,
		Thresholds: detector.Thresholds{Clients: c.Detector.MinClients, Excess: c.Detector.MinExcess, Ratio: c.Detector.MinRatio}}
	s.Feeds, err = p.feeds(c)
	return s, err
}

// openKeys returns the keys that open batches.
func openKeys(c *Config) (*seal.Keyring, error) {
	var keys []*seal.OpenKey
	for _, name := range c.Detector.OpenKeys {
		key, err := readKey(c.dir, name, keyfile.ParseOpenKey)
		if err != nil {
			return nil, fmt.Errorf("detector.open_keys: %w", err)
		}
		keys = append(keys, key)
	}
	return seal.NewKeyring(keys...), nil
}

// vantages returns the vantages whose results are accepted.
func vantages(c *Config) []string {
	all := slices.Clone(c.Detector.Vantages)
	if c.Prober.Vantage != "" { // detector and prober may share a configuration
		all = append(all, c.Prober.Vantage)
	}
	return all
}

// reloadDetector applies new settings to a detector and describes them.
func (p *Process) reloadDetector(c *Config, d *detector.Detector) ([]any, error) {
	s, err := p.detectorSettings(c)
	if err != nil {
		return nil, err
	}
	if err := d.Reload(s); err != nil {
		return nil, err
	}
	t := d.Thresholds()
	return []any{"feeds", slices.Sorted(maps.Keys(s.Feeds)), "open_keys", keyIDs(s.Keys), "vantages", len(s.Vantages),
		"min_clients", t.Clients, "min_excess", t.Excess, "min_ratio", t.Ratio}, nil
}

// keyIDs returns the ids of opening keys, in the form of "policy show".
func keyIDs(keys *seal.Keyring) (ids []string) {
	for _, id := range keys.IDs() {
		ids = append(ids, hex.EncodeToString(id[:]))
	}
	return ids
}

// asksCollectors reports whether any feed is read from a collector, by requests that are signed.
func asksCollectors(feeds []FeedConfig) bool {
	return slices.ContainsFunc(feeds, func(f FeedConfig) bool { return f.NATS == nil })
}

// feed returns one remote feed.
func (p *Process) feed(c *Config, f *FeedConfig, key ed25519.PrivateKey, roots *x509.CertPool) (detector.Feed, error) {
	if f.NATS == nil {
		return detector.NewRemoteFeed(detector.FeedOptions{URL: f.URL, Collector: f.ID, Key: key, RootCAs: roots})
	}
	o := natsFeed(c, f, p.log)
	return natsfeed.New(o)
}

// natsFeed returns the options of a feed that reads a stream.
func natsFeed(c *Config, f *FeedConfig, log *slog.Logger) natsfeed.Options {
	n := f.NATS
	return natsfeed.Options{Collector: f.ID, Servers: n.Servers, Stream: n.Stream, Source: n.Source, Domain: n.Domain, Reader: n.Reader,
		Credentials: c.File(n.Credentials), CA: c.File(n.CA), Certificate: c.File(n.Certificate), Key: c.File(n.Key), Logger: log}
}

// feeds returns the remote feeds, and the inbox of the collector in this process.
func (p *Process) feeds(c *Config) (map[string]detector.Feed, error) {
	feeds := map[string]detector.Feed{}
	if p.inbox != nil {
		feeds[c.Collector.ID] = localInbox{p.inbox, localReader(c), &p.compared}
	}
	if len(c.Detector.Feeds) == 0 {
		if p.inbox == nil {
			return nil, fmt.Errorf("detector.feeds: name at least one collector, this process has none of its own")
		}
		return feeds, nil
	}
	var key ed25519.PrivateKey
	var err error
	if asksCollectors(c.Detector.Feeds) {
		if key, err = readKey(c.dir, c.Detector.FeedKey, keyfile.ParseSigningKey); err != nil {
			return nil, fmt.Errorf("detector.feed_key: %w", err)
		}
	}
	roots, err := loadRoots(c.File(c.Detector.FeedCA))
	if err != nil {
		return nil, fmt.Errorf("detector.feed_ca: %w", err)
	}
	for _, f := range c.Detector.Feeds {
		feed, err := p.feed(c, &f, key, roots)
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
