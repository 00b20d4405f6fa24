// Package certs provides the certificates of listeners: from files, which are read again when they
// change ([Files]), or from an ACME authority ([ACME]).
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// base returns the configuration that all listeners share. The default key exchange of crypto/tls
// prefers the hybrid X25519MLKEM768.
func base() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS12} }

// checkEvery is the least time between two checks of the files.
const checkEvery = time.Second

// Files returns a configuration with the certificate in two PEM files. When either file changes, a
// later handshake reads both again; it may take a second until the change is noticed. If the files
// do not fit together, for example because only one has been replaced so far, the previous
// certificate stays in use and failed is called, once per change. failed may be nil. Files returns
// an error if the files cannot be used at the start.
func Files(cert, key string, failed func(error)) (*tls.Config, error) {
	f := &files{cert: cert, key: key, failed: failed}
	if err := f.load(); err != nil {
		return nil, err
	}
	c := base()
	c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.get(time.Now()), nil }
	return c, nil
}

type files struct {
	cert, key string
	failed    func(error)

	mu      sync.Mutex
	checked time.Time // guarded by mu, like the rest
	stamp   [2]stamp
	current *tls.Certificate
}

// stamp tells one version of a file from the next.
type stamp struct {
	modified time.Time
	size     int64
}

func (f *files) get(now time.Time) *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.checked) >= checkEvery {
		f.checked = now
		if s, err := f.stat(); err == nil && s != f.stamp {
			if err := f.load(); err != nil {
				f.stamp = s // tell it once
				if f.failed != nil {
					f.failed(err)
				}
			}
		}
	}
	return f.current
}

func (f *files) stat() (s [2]stamp, err error) {
	for i, name := range []string{f.cert, f.key} {
		info, err := os.Stat(name)
		if err != nil {
			return s, err
		}
		s[i] = stamp{info.ModTime(), info.Size()}
	}
	return s, nil
}

func (f *files) load() error {
	s, err := f.stat()
	if err != nil {
		return fmt.Errorf("reading the certificate: %w", err)
	}
	c, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("reading the certificate %s and its key %s: %w", f.cert, f.key, err)
	}
	f.stamp, f.current = s, &c
	return nil
}

// ACMEOptions configures [ACME].
type ACMEOptions struct {
	Names     []string // required; requests for other names are refused
	Cache     string   // required; directory (0700) for account key and certificates
	Directory string   // URL of the authority's directory; empty for Let's Encrypt
	Email     string   // for the authority's messages; may be empty
	// authorities for the certificate of the directory; nil means those of the system
	RootCAs *x509.CertPool
}

// ACME returns a configuration that gets and renews certificates by TLS-ALPN-01 (RFC 8737) on the
// listener itself, which must be reachable on port 443. By calling it, the operator accepts the
// authority's terms of service. The first handshakes for a name wait for its certificate. If a
// timeout cuts them off, the order of the certificate goes on.
func ACME(o ACMEOptions) (*tls.Config, error) {
	if len(o.Names) == 0 || o.Cache == "" {
		return nil, errors.New("certificates by ACME need names and a cache directory")
	}
	if err := os.MkdirAll(o.Cache, 0o700); err != nil {
		return nil, fmt.Errorf("making the cache of certificates: %w", err)
	}
	m := &autocert.Manager{Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(o.Names...), Cache: autocert.DirCache(o.Cache), Email: o.Email,
		Client: &acme.Client{DirectoryURL: o.Directory, HTTPClient: &http.Client{Timeout: time.Minute,
			Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: o.RootCAs}, ForceAttemptHTTP2: true}}}}
	if o.Directory == "" {
		m.Client.DirectoryURL = acme.LetsEncryptURL
	}
	c := m.TLSConfig()
	c.MinVersion = base().MinVersion
	return c, nil
}
