package roles

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/nettable"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// lookEvery is how often files that may be replaced while the process runs are looked at.
const lookEvery = 10 * time.Second

// startNetworks loads the table of networks, and again whenever it changes.
func (n *Node) startNetworks(ctx context.Context, c *Config) (err error) {
	n.names, err = nettable.Open(nettable.Files{Networks: c.File(c.Networks), Countries: c.File(c.Countries),
		Fields: nettable.Fields(c.NetworkFields)})
	if err != nil {
		return fmt.Errorf("networks: %w", err)
	}
	n.stack.Go(context.WithoutCancel(ctx), "networks", func(ctx context.Context) error {
		n.names.Watch(ctx, lookEvery, func(err error) { n.tellReload("networks", err) })
		return nil
	}, n.fail)
	return nil
}

// collectorSettings are what a collector can change while it runs.
func (n *Node) collectorSettings(c *Config, detector bool) (s collector.Settings, err error) {
	if s.ReceiptKey, err = readKey(c.dir, c.Collector.ReceiptKey, keyfile.ParseSigningKey); err != nil {
		return s, fmt.Errorf("collector.receipt_key: %w", err)
	}
	if s.Policy, err = readLimited(c.File(c.Collector.Policy), policy.MaxSize); err != nil {
		return s, fmt.Errorf("collector.policy: %w", err)
	}
	if n.names != nil {
		s.Networks = n.names
	}
	for _, name := range c.Collector.FeedKeys {
		feed, err := readKey(c.dir, name, keyfile.ParsePublicKey)
		if err != nil {
			return s, fmt.Errorf("collector.feed_keys: %w", err)
		}
		s.FeedKeys = append(s.FeedKeys, feed)
	}
	if err := obliviousSettings(c, &s); err != nil {
		return s, err
	}
	for _, text := range c.Collector.TrustedProxies {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return s, fmt.Errorf("collector.trusted_proxies: %w", err)
		}
		s.TrustedProxies = append(s.TrustedProxies, p)
	}
	s.ForwardedHeader = c.Collector.ForwardedHeader
	s.BrowserReports, s.KeepServerAddress = c.Collector.BrowserReports, c.Collector.BrowserServerAddress
	if detector {
		s.LocalReaders = []string{localReader(c)}
	}
	return s, nil
}

// reloadCollector gives a collector its settings anew when its policy file changes, and on SIGHUP,
// when the configuration is read again too.
func (n *Node) reloadCollector(ctx context.Context, c *Config, detector bool, col *collector.Collector) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	n.stack.Go(context.WithoutCancel(ctx), "reloading", func(ctx context.Context) error {
		defer signal.Stop(hangup)
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		seen := modified(c.File(c.Collector.Policy))
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				now := modified(c.File(c.Collector.Policy))
				if now == seen {
					continue
				}
				seen = now
				n.tellReload("policy", n.applySettings(c, detector, col))
			case <-hangup:
				err := n.rereadSettings(&c, detector, col)
				n.tellReload("configuration", err)
				seen = modified(c.File(c.Collector.Policy))
			}
		}
	}, n.fail)
}

// rereadSettings reads the configuration file again. What is not among the collector's settings,
// listeners for instance, stays as it was.
func (n *Node) rereadSettings(c **Config, detector bool, col *collector.Collector) error {
	next := *c
	if next.path != "" {
		var err error
		if next, err = Load(next.path); err != nil {
			return err
		}
	}
	if err := n.applySettings(next, detector, col); err != nil {
		return err
	}
	*c = next
	if n.names != nil {
		return n.names.Reload()
	}
	return nil
}

func (n *Node) applySettings(c *Config, detector bool, col *collector.Collector) error {
	s, err := n.collectorSettings(c, detector)
	if err != nil {
		return err
	}
	return col.Reload(s)
}

func (n *Node) tellReload(what string, err error) {
	if err != nil {
		n.log.Error("reloading failed; what was loaded before stays in use", "what", what, "error", err)
		return
	}
	n.log.Info("reloaded", "what", what)
}

// modified is when a file was changed; zero when it is not there.
func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
