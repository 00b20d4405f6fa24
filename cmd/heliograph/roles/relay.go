package roles

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/heliograph-net/heliograph/internal/certs"
	"github.com/heliograph-net/heliograph/internal/httpserve"
	"github.com/heliograph-net/heliograph/internal/ops"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/relay"
)

//go:embed relay.yaml
var relayTemplate []byte

// RelayNode is a running relay with its operations listener.
type RelayNode struct {
	Node
	RelayAddr string // host:port as bound
}

// StartRelay starts a relay as configured. When it fails, what was started is stopped again.
func StartRelay(ctx context.Context, c *RelayConfig, log *slog.Logger) (n *RelayNode, err error) {
	n = &RelayNode{Node: Node{failed: make(chan error, 8), log: log, metrics: prometheus.NewRegistry(), checks: map[string]ops.Check{}}}
	n.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	defer func() {
		if err != nil {
			err = fmt.Errorf("starting: %w", err)
			_ = n.Close(context.WithoutCancel(ctx))
		}
	}()
	if c.Networks != "" {
		if err := n.startNetworks(ctx, &c.base); err != nil {
			return n, err
		}
	}
	o := relay.Options{Gateway: c.Gateway, Collector: c.Collector, Logger: log, Metrics: n.metrics, MaxRequests: c.MaxRequests, SourceRequests: c.SourceRequests}
	if n.names != nil {
		o.Networks = n.names
	}
	if c.Key != "" {
		if o.Key, err = readKey(c.base.dir, c.Key, keyfile.ParseSigningKey); err != nil {
			return n, fmt.Errorf("key: %w", err)
		}
	}
	if o.RootCAs, err = loadRoots(c.base.File(c.GatewayCA)); err != nil {
		return n, fmt.Errorf("gateway_ca: %w", err)
	}
	r, err := relay.New(o)
	if err != nil {
		return n, err
	}
	n.stack.Defer("relay", func(context.Context) error { r.Close(); return nil })
	n.checks["collector"] = r.Ready
	listen := httpserve.Options{Name: "relay", Listen: c.Listen, Handler: r.Handler(), WriteTimeout: -1} // the relay sets deadlines
	if listen.TLS, err = n.relayTLS(c); err != nil {
		return n, err
	}
	if n.RelayAddr, err = n.serve(listen); err != nil {
		return n, err
	}
	n.OperationsAddr, err = n.serve(httpserve.Options{Name: "operations", Listen: c.Operations.Listen, WriteTimeout: -1,
		Handler: ops.Handler(n.metrics, n.checks, c.base.Level)})
	return n, err
}

// relayTLS is the relay's certificate: from files, from an ACME authority, or none.
func (n *RelayNode) relayTLS(c *RelayConfig) (conf *tls.Config, err error) {
	switch {
	case c.TLSCert != "":
		conf, err = certs.Files(c.base.File(c.TLSCert), c.base.File(c.TLSKey), func(err error) {
			n.log.Error("the certificate was not replaced, the one before stays in use", "component", "relay", "error", err)
		})
	case len(c.ACME.Names) > 0:
		roots, rootsErr := loadRoots(c.base.File(c.ACME.CA))
		if rootsErr != nil {
			return nil, fmt.Errorf("acme.ca: %w", rootsErr)
		}
		conf, err = certs.ACME(certs.ACMEOptions{Names: c.ACME.Names, Cache: c.base.File(c.ACME.Cache), Directory: c.ACME.Directory,
			Email: c.ACME.Email, RootCAs: roots})
	}
	if err != nil {
		return nil, fmt.Errorf("tls_cert or acme: %w", err)
	}
	return conf, nil
}

// SetLevel lets PUT /log/level change the level of the log.
func (c *RelayConfig) SetLevel(level *slog.LevelVar) { c.base.Level = level }

// InitRelay makes a relay's directory: a fresh key (mode 0600), its public half for the collector,
// relay.yaml. It never overwrites: a directory that has a configuration is an error, fs.ErrExist.
func InitRelay(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, RelayConfigName)); err == nil {
		return fmt.Errorf("%s has a %s already: %w", dir, RelayConfigName, fs.ErrExist)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("making the relay's key: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700); err != nil {
		return fmt.Errorf("making the directory: %w", err)
	}
	for _, f := range []struct {
		name string
		text []byte
		mode fs.FileMode
	}{
		{"keys/relay.pem", keyfile.MarshalSigningKey(private), 0o600},
		{"keys/relay.pub.pem", keyfile.MarshalPublicKey(public), 0o644},
		{RelayConfigName, relayTemplate, 0o644}, // last: a directory without one is unfinished
	} {
		file, err := os.OpenFile(filepath.Join(dir, f.name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
		if err != nil {
			return fmt.Errorf("making the directory: %w", err)
		}
		_, err = file.Write(f.text)
		if err = errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
	return nil
}
