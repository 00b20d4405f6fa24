package roles

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/heliograph-net/heliograph/internal/httpserve"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/relay"
)

// Relay is a relay with its operations listener.
type Relay struct {
	*Process
	RelayAddr string // host:port as bound
}

// RelayOptions configures a [Relay]; see [Options].
type RelayOptions struct {
	Config    *RelayConfig
	Logger    *slog.Logger
	Level     *slog.LevelVar
	ReopenLog func() error
	Hangup    <-chan os.Signal
	Version   string // version of this program, shown in metrics; may be empty
}

// NewRelay builds a relay as configured and binds its listeners. If it fails, nothing stays open.
func NewRelay(o RelayOptions) (n *Relay, err error) {
	n = &Relay{Process: newProcess(o.Logger, o.Version)}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("starting: %w", err), n.Close())
		}
	}()
	c := o.Config
	latest := c // used only by the goroutine that reloads
	n.reloads = &reloads{log: o.Logger, report: newReloadReport(o.Logger, n.metrics), hangup: o.Hangup, current: &c.base, load: func() (*Config, error) {
		next, err := LoadRelay(c.base.path)
		if err != nil {
			return nil, err
		}
		latest = next
		return &next.base, nil
	}}
	n.reloads.addLog(o.ReopenLog)
	n.reloads.fix(map[string]func(*Config) any{
		"listen":         func(*Config) any { return latest.Listen },
		"proxy_protocol": func(*Config) any { return latest.ProxyProtocol },
		"tls_cert":       func(*Config) any { return latest.TLSCert },
		"tls_key":        func(*Config) any { return latest.TLSKey },
		"acme":           func(*Config) any { return latest.ACME },
		"operations":     func(*Config) any { return latest.Operations },
		// another table does not need a restart
		"networks": func(*Config) any { return latest.Networks != "" },
	})
	if err := n.addNetworks(&c.base); err != nil {
		return n, err
	}
	r, err := n.addRelay(c)
	if err != nil {
		return n, err
	}
	n.reloads.add("relay", func(*Config) ([]any, error) { return n.reloadRelay(latest, r) })
	n.parts.Add(endWork, lifecycle.Part{Name: "reloading", Run: n.reloads.run})
	return n, n.addOperations(c.Operations, o.Level)
}

// addRelay adds the relay and its listener.
func (n *Relay) addRelay(c *RelayConfig) (*relay.Relay, error) {
	settings, err := n.relaySettings(c)
	if err != nil {
		return nil, err
	}
	r, err := relay.New(relay.Options{Settings: settings, Logger: n.log, Metrics: n.metrics})
	if err != nil {
		return nil, err
	}
	n.parts.Add(drainCollector, lifecycle.Part{Name: "relay", Run: r.Run})
	n.checks["collector"] = r.Ready
	// the relay sets deadlines
	listen := httpserve.Options{Name: "relay", Listen: c.Listen, Handler: r.Handler(), WriteTimeout: -1}
	if listen.Proxies, err = prefixes(c.ProxyProtocol); err != nil {
		return nil, fmt.Errorf("proxy_protocol: %w", err)
	}
	files := tlsFiles{cert: c.base.File(c.TLSCert), key: c.base.File(c.TLSKey), acme: c.ACME}
	if listen.TLS, err = n.certificates(&c.base, "relay", files); err != nil {
		return nil, err
	}
	n.RelayAddr, err = n.listen(closeCollector, listen)
	return r, err
}

// relaySettings returns the settings that a relay can change while it runs.
func (n *Relay) relaySettings(c *RelayConfig) (s relay.Settings, err error) {
	s = relay.Settings{Gateway: c.Gateway, Collector: c.Collector, MaxRequests: c.MaxRequests, NetworkRequests: c.SourceRequests}
	if n.names != nil {
		s.Networks = n.names
	}
	if c.Key != "" {
		if s.Key, err = readKey(c.base.dir, c.Key, keyfile.ParseSigningKey); err != nil {
			return s, fmt.Errorf("key: %w", err)
		}
	}
	if s.RootCAs, err = loadRoots(c.base.File(c.GatewayCA)); err != nil {
		return s, fmt.Errorf("gateway_ca: %w", err)
	}
	return s, nil
}

// reloadRelay applies new settings to a relay and describes them.
func (n *Relay) reloadRelay(c *RelayConfig, r *relay.Relay) ([]any, error) {
	s, err := n.relaySettings(c)
	if err != nil {
		return nil, err
	}
	if err := r.Reload(s); err != nil {
		return nil, err
	}
	s = r.Settings()
	says := []any{"gateway", s.Gateway, "collector", s.Collector, "max_requests", s.MaxRequests, "source_requests_per_second", s.NetworkRequests}
	if len(s.Key) != 0 {
		says = append(says, "key", fingerprint(s.Key.Public().(ed25519.PublicKey)))
	}
	return says, nil
}
