package roles

import (
	"crypto/ed25519"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/heliograph-net/heliograph/internal/httpserve"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/relay"
)

//go:embed relay.yaml
var relayTemplate []byte

// Relay is a relay with its operations listener.
type Relay struct {
	*Process
	RelayAddr string // host:port as bound
}

// NewRelay builds a relay as configured and binds its listeners. When it fails, nothing stays open.
func NewRelay(c *RelayConfig, log *slog.Logger, hangup <-chan os.Signal) (n *Relay, err error) {
	n = &Relay{Process: newProcess(log)}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("starting: %w", err), n.Close())
		}
	}()
	n.reloads = &reloads[*Config]{log: log, hangup: hangup, current: &c.base, load: c.base.again}
	if err := n.addNetworks(&c.base); err != nil {
		return n, err
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
	n.parts.Add(endWork, lifecycle.Part{Name: "relay", Close: func() error { r.Close(); return nil }})
	n.checks["collector"] = r.Ready
	listen := httpserve.Options{Name: "relay", Listen: c.Listen, Handler: r.Handler(), WriteTimeout: -1} // the relay sets deadlines
	files := tlsFiles{cert: c.base.File(c.TLSCert), key: c.base.File(c.TLSKey), acme: c.ACME}
	if listen.TLS, err = n.certificates(&c.base, "relay", files); err != nil {
		return n, err
	}
	if n.RelayAddr, err = n.listen(closeCollector, listen); err != nil {
		return n, err
	}
	return n, n.addOperations(c.Operations.Listen, c.base.Level)
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
