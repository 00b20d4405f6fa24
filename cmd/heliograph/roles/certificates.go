package roles

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/heliograph-net/heliograph/internal/certs"
)

// tlsFiles says where the certificate of a listener comes from: two files, an authority,
// or neither.
type tlsFiles struct {
	cert, key string
	acme      ACMEConfig
	of        string // what the listener is for; empty: it is the only one of its process
}

// certificates returns the TLS configuration of a listener, or nil for plain HTTP. An error starts
// with the key at fault.
func (p *Process) certificates(c *Config, component string, f tlsFiles) (*tls.Config, error) {
	switch {
	case f.cert != "":
		conf, err := certs.Files(f.cert, f.key, func(err error) {
			p.log.Error("the certificate was not replaced, the one before stays in use", "component", component, "error", err)
		})
		if err != nil {
			return nil, fmt.Errorf("tls_cert: %w", err)
		}
		p.reloads.add(strings.TrimSpace("certificate "+f.of), func(*Config) ([]any, error) { return describeCertificate(f) })
		return conf, nil
	case len(f.acme.Names) > 0:
		roots, err := loadRoots(c.File(f.acme.CA))
		if err != nil {
			return nil, fmt.Errorf("acme.ca: %w", err)
		}
		conf, err := certs.ACME(certs.ACMEOptions{Names: f.acme.Names, Cache: c.File(f.acme.Cache), Directory: f.acme.Directory, Email: f.acme.Email, RootCAs: roots})
		if err != nil {
			return nil, fmt.Errorf("acme: %w", err)
		}
		return conf, nil
	default:
		return nil, nil
	}
}

// describeCertificate describes the certificate in the files, or returns why they cannot be used.
// The listener itself notices changed files within a second.
func describeCertificate(f tlsFiles) ([]any, error) {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("tls_cert: %w", err)
	}
	return []any{"fingerprint", fingerprint(pair.Certificate[0]), "until", pair.Leaf.NotAfter}, nil
}

// loadRoots returns the certificates of the system and of a PEM file, or nil if path is empty.
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
