// Package certs gets certificates from a real ACME server.
package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"

	"github.com/heliograph-net/heliograph/internal/certs"
)

// TestACME gets a certificate from a real ACME server, pebble, which checks by TLS-ALPN-01 that the
// listener answers for the name.
func TestACME(t *testing.T) {
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	ln, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	directory, authority, orders := pebble(t, ln.Addr().(*net.TCPAddr).Port)
	directoryCA, err := x509.ParseCertificate(directory.TLS.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(directoryCA)
	cache := filepath.Join(t.TempDir(), "certificates")
	conf, err := certs.ACME(certs.ACMEOptions{Names: []string{"collect.test"}, Cache: cache, Directory: directory.URL + wfe.DirectoryPath, RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{TLSConfig: conf, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), ReadHeaderTimeout: 30 * time.Second}
	go func() { _ = s.ServeTLS(ln, "", "") }() // ends with Close
	defer s.Close()

	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority.GetRootCert(0).PEM())
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
	ordered := orders.Load()
	if ordered != 1 {
		t.Errorf("%d orders for one certificate", ordered)
	}
	state, err := handshake("collect.test")
	if err != nil || orders.Load() != ordered {
		t.Fatalf("the first handshake: %v, %d more orders; want none", err, orders.Load()-ordered)
	}
	if state.CurveID != tls.X25519MLKEM768 {
		t.Errorf("key exchange %v, want the hybrid one", state.CurveID)
	}
	if _, err := handshake("collect.test"); err != nil || orders.Load() != ordered {
		t.Errorf("the second handshake: %v, %d more orders; want none", err, orders.Load()-ordered)
	}
	if _, err := handshake("other.test"); err == nil || orders.Load() != ordered {
		t.Errorf("a name that is not ours: %v, %d more orders; want none", err, orders.Load()-ordered)
	}
	if info, err := os.Stat(cache); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("cache: %v, %v; want mode 0700", info, err)
	}
}

// pebble starts a real ACME server whose checks go to tlsPort of the address that every name
// resolves to. It counts the orders for certificates, and no other requests: autocert ends the
// authorizations of an order in the background.
func pebble(t *testing.T, tlsPort int) (directory *httptest.Server, authority *ca.CAImpl, orders *atomic.Int64) {
	t.Helper()
	quiet, store := log.New(io.Discard, "", 0), db.NewMemoryStore()
	authority = ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "test"}})
	validator := va.New(quiet, 1, tlsPort, false, resolver(t), store)
	front := wfe.New(quiet, store, validator, authority, []string{"pebble.test"}, false, false, 1, 1)
	orders = new(atomic.Int64)
	handler := front.Handler()
	order := orderPath(t, handler)
	directory = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == order {
			orders.Add(1)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(directory.Close)
	return directory, authority, orders
}

// orderPath is where a server takes orders, as its directory says (RFC 8555, section 7.1.1).
func orderPath(t *testing.T, server http.Handler) string {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, wfe.DirectoryPath, nil)
	r.Header.Set("User-Agent", "test") // pebble answers nobody without one
	server.ServeHTTP(w, r)
	var directory struct{ NewOrder string }
	if err := json.Unmarshal(w.Body.Bytes(), &directory); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(directory.NewOrder)
	if err != nil || u.Path == "" {
		t.Fatalf("new orders go to %q: %v", directory.NewOrder, err)
	}
	return u.Path
}

// resolver starts a name server that knows one address for all names, and returns where it is.
func resolver(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // pebble asks over TCP
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: ln, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 2)}}
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = server.ActivateAndServe() }() // ends with Shutdown
	t.Cleanup(func() { _ = server.Shutdown() })
	return ln.Addr().String()
}
