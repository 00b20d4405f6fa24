package roles

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/inboxes"
	"github.com/heliograph-net/heliograph/internal/httpserve"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/ops"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// addCollector adds a collector. If detector is set, the detector of this process reads its inbox.
func (p *Process) addCollector(c *Config, detector bool) error {
	settings, err := p.collectorSettings(c, detector)
	if err != nil {
		return err
	}
	var inbox collector.Inbox
	if err := slowly(p.log, "collector.inbox", func() (err error) {
		inbox, err = c.Collector.Inbox.Open(inboxes.Options{Dir: c.dir, MaxBytes: c.Collector.MaxBytes, MaxAge: c.Collector.MaxAge.Duration, Logger: p.log})
		return err
	}); err != nil {
		return fmt.Errorf("collector.inbox: %w", err)
	}
	p.inbox = inbox
	p.parts.Add(closeStores, lifecycle.Part{Name: "inbox", Close: inbox.Close})
	p.checks["inbox"] = inbox.Check
	col, err := collector.New(collector.Options{ID: c.Collector.ID, Inbox: inbox, Settings: settings, Logger: p.log, Metrics: p.metrics, Trace: p.traceCollector(c.Collector.ID), SlowDownAt: c.Collector.SlowDownAt,
		Limits: collector.Limits{Requests: c.Collector.SourceRequests, Bytes: c.Collector.SourceBytes, NewNetworks: c.Collector.NewSources}})
	if err != nil {
		return err
	}
	p.parts.Add(drainCollector, lifecycle.Part{Name: "collector", Run: col.Run})
	p.checks["collector"] = func(context.Context) error {
		if outlook := col.Outlook(time.Now()); outlook != "" {
			return ops.Warning(outlook)
		}
		return nil
	}
	p.checks["proxies"] = func(context.Context) error {
		if text := col.Proxies(time.Now()); text != "" {
			return ops.Warning(text)
		}
		return nil
	}
	served := &servedPolicy{id: c.Collector.ID, memory: memoryOf(c.File(c.Collector.Policy)), log: p.log}
	served.take(settings.Policy, settings.ReceiptKey.Public().(ed25519.PublicKey))
	p.checks["policy"], p.served = served.check, served
	p.reloads.add("collector", func(next *Config) ([]any, error) { return p.reloadCollector(next, detector, col, served) })
	p.reloads.fix(map[string]func(*Config) any{
		"collector.id":                         func(c *Config) any { return c.Collector.ID },
		"collector.proxy_protocol":             func(c *Config) any { return c.Collector.ProxyProtocol },
		"collector.listen":                     func(c *Config) any { return c.Collector.Listen },
		"collector.tls_cert":                   func(c *Config) any { return c.Collector.TLSCert },
		"collector.tls_key":                    func(c *Config) any { return c.Collector.TLSKey },
		"collector.acme":                       func(c *Config) any { return c.Collector.ACME },
		"collector.inbox":                      func(c *Config) any { return c.Collector.Inbox },
		"collector.inbox_max_bytes":            func(c *Config) any { return c.Collector.MaxBytes },
		"collector.inbox_max_age":              func(c *Config) any { return c.Collector.MaxAge },
		"collector.source_requests_per_second": func(c *Config) any { return c.Collector.SourceRequests },
		"collector.source_bytes_per_second":    func(c *Config) any { return c.Collector.SourceBytes },
		"collector.new_sources_per_second":     func(c *Config) any { return c.Collector.NewSources },
		"collector.slow_down_at":               func(c *Config) any { return c.Collector.SlowDownAt },
	})
	p.reloads.watch("policy", func(c *Config) string { return c.File(c.Collector.Policy) }, "collector")
	return p.listenForAgents(c, col)
}

// listenForAgents adds the collector's listener and the watcher of its certificate.
func (p *Process) listenForAgents(c *Config, col *collector.Collector) (err error) {
	// the feed uses long polling; the collector sets its own deadlines
	o := httpserve.Options{Name: "collector", Listen: c.Collector.Listen, Handler: col.Handler(), WriteTimeout: -1}
	if o.Proxies, err = prefixes(c.Collector.ProxyProtocol); err != nil {
		return fmt.Errorf("collector.proxy_protocol: %w", err)
	}
	files := tlsFiles{cert: c.File(c.Collector.TLSCert), key: c.File(c.Collector.TLSKey), acme: c.Collector.ACME}
	if o.TLS, err = p.certificates(c, "collector", files); err != nil {
		return fmt.Errorf("collector.%w", err)
	}
	if p.CollectorAddr, err = p.listen(closeCollector, o); err != nil {
		return err
	}
	if o.TLS != nil {
		p.watchCertificates(o.TLS, c.Collector.ACME.Names)
	}
	return nil
}

// collectorSettings returns the settings that a collector can change while it runs.
func (p *Process) collectorSettings(c *Config, detector bool) (s collector.Settings, err error) {
	if s.ReceiptKey, err = readKey(c.dir, c.Collector.ReceiptKey, keyfile.ParseSigningKey); err != nil {
		return s, fmt.Errorf("collector.receipt_key: %w", err)
	}
	if s.Policy, err = readLimited(c.File(c.Collector.Policy), policy.MaxSize); err != nil {
		return s, fmt.Errorf("collector.policy: %w", err)
	}
	if p.names != nil {
		s.Networks = p.names
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
	if s.TrustedProxies, err = prefixes(c.Collector.TrustedProxies); err != nil {
		return s, fmt.Errorf("collector.trusted_proxies: %w", err)
	}
	s.ForwardedHeader = c.Collector.ForwardedHeader
	s.BrowserReports, s.KeepServerAddress = c.Collector.BrowserReports, c.Collector.BrowserServerAddress
	s.Sentry = collector.SentryProject(c.Collector.Sentry)
	if detector {
		s.LocalReaders = []string{localReader(c)}
	}
	return s, nil
}

func prefixes(texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		all = append(all, prefix)
	}
	return all, nil
}

// reloadCollector applies new settings to a collector and describes them.
func (p *Process) reloadCollector(c *Config, detector bool, col *collector.Collector, served *servedPolicy) ([]any, error) {
	s, err := p.collectorSettings(c, detector)
	if err != nil {
		return nil, err
	}
	if err := col.Reload(s); err != nil {
		return nil, err
	}
	key := s.ReceiptKey.Public().(ed25519.PublicKey)
	served.take(s.Policy, key)
	return []any{"policy_version", policyVersion(s.Policy), "receipt_key", fingerprint(key), "feed_keys", len(s.FeedKeys),
		"oblivious_keys", len(s.ObliviousKeys), "relay_keys", len(s.RelayKeys), "trusted_proxies", len(s.TrustedProxies)}, nil
}

// fingerprint returns the first bytes of the SHA-256 of a key, to distinguish keys.
func fingerprint(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// policyVersion returns the version of a signed policy, or 0 if it cannot be read.
func policyVersion(signed []byte) uint64 {
	signer, err := policy.Signer(signed)
	if err != nil {
		return 0
	}
	p, err := policy.Open(signed, signer)
	if err != nil {
		return 0
	}
	return p.Version
}
