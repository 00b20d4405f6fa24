// Package certs gets certificates from a real ACME server.
package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/certs"
	"github.com/heliograph-net/heliograph/tests/acme"
)

// TestACME gets a certificate from a real ACME server, pebble, which checks by TLS-ALPN-01 that the
// listener answers for the name.
func TestACME(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	server := acme.New(t, ln.Addr().(*net.TCPAddr).Port, func(string) netip.Addr { return netip.MustParseAddr("127.0.0.2") })
	directory := httptest.NewTLSServer(server)
	defer directory.Close()
	directoryCA, err := x509.ParseCertificate(directory.TLS.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(directoryCA)
	cache := filepath.Join(t.TempDir(), "certificates")
	conf, err := certs.ACME(certs.ACMEOptions{Names: []string{"collect.test"}, Cache: cache, Directory: directory.URL + acme.Path, RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{TLSConfig: conf, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), ReadHeaderTimeout: 30 * time.Second}
	go func() { _ = s.ServeTLS(ln, "", "") }() // ends with Close
	defer s.Close()

	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(server.Root)
	handshake := func(name string) (tls.ConnectionState, error) {
		d := &net.Dialer{Timeout: 30 * time.Second}
		c, err := tls.DialWithDialer(d, "tcp", ln.Addr().String(), &tls.Config{ServerName: name, RootCAs: trusted})
		if err != nil {
			return tls.ConnectionState{}, err
		}
		defer c.Close()
		return c.ConnectionState(), nil
	}
	watched, stop := context.WithCancel(t.Context())
	certs.Watch(watched, conf, "collect.test", func(expires time.Time, err error) {
		if stop(); err != nil || !expires.After(time.Now()) {
			t.Errorf("before any client has come: a certificate until %v, %v", expires, err)
		}
	})
	ordered := server.Orders.Load()
	if ordered != 1 {
		t.Errorf("%d orders for one certificate", ordered)
	}
	state, err := handshake("collect.test")
	if err != nil || server.Orders.Load() != ordered {
		t.Fatalf("the first handshake: %v, %d more orders; want none", err, server.Orders.Load()-ordered)
	}
	if state.CurveID != tls.X25519MLKEM768 {
		t.Errorf("key exchange %v, want the hybrid one", state.CurveID)
	}
	if _, err := handshake("collect.test"); err != nil || server.Orders.Load() != ordered {
		t.Errorf("the second handshake: %v, %d more orders; want none", err, server.Orders.Load()-ordered)
	}
	if _, err := handshake("other.test"); err == nil || server.Orders.Load() != ordered {
		t.Errorf("a name that is not ours: %v, %d more orders; want none", err, server.Orders.Load()-ordered)
	}
	if info, err := os.Stat(cache); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("cache: %v, %v; want mode 0700", info, err)
	}
}
