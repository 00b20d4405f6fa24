package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"

	"github.com/heliograph-net/heliograph/internal/devca"
)

// writePair writes a new certificate for host.
func writePair(t *testing.T, authority *devca.CA, dir, host string) (cert, key string) {
	t.Helper()
	c, err := authority.Issue(time.Now().Add(time.Hour), host)
	if err != nil {
		t.Fatal(err)
	}
	certPEM, keyPEM, err := devca.EncodePEM(c)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, text := range map[string][]byte{cert: certPEM, key: keyPEM} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func subject(t *testing.T, c *tls.Certificate) string {
	t.Helper()
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return leaf.Subject.CommonName
}

func TestFilesAreReadAgainWhenTheyChange(t *testing.T) {
	authority, err := devca.New("Reload test authority")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := writePair(t, authority, dir, "first.test")
	told := 0
	f := &files{cert: cert, key: key, failed: func(error) { told++ }}
	if err := f.load(); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if got := subject(t, f.get(now)); got != "first.test" {
		t.Fatalf("at first %s", got)
	}
	// Only one of the two is replaced so far: nothing breaks, and it is told once.
	if err := os.WriteFile(key, []byte("half a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		now = now.Add(checkEvery)
		if got := subject(t, f.get(now)); got != "first.test" || told != 1 {
			t.Errorf("with a broken key %s, told %d times; want the certificate before, told once", got, told)
		}
	}
	writePair(t, authority, dir, "the-second-one.test")
	if got := subject(t, f.get(now.Add(checkEvery/2))); got != "first.test" {
		t.Errorf("looked again within %v", checkEvery)
	}
	if got := subject(t, f.get(now.Add(checkEvery))); got != "the-second-one.test" {
		t.Errorf("after the change %s", got)
	}
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	if got := subject(t, f.get(now.Add(3*checkEvery))); got != "the-second-one.test" {
		t.Errorf("without the file %s", got)
	}
}

func TestFilesThatDoNotFitAreAnError(t *testing.T) {
	if _, err := Files("/nowhere/cert.pem", "/nowhere/key.pem", nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "/nowhere/cert.pem") {
		t.Errorf("err = %v", err)
	}
}

func TestWatchTellsWhyThereIsNoCertificateAndTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authority, err := devca.New("Watch test authority")
		if err != nil {
			t.Fatal(err)
		}
		until := time.Now().Add(24 * time.Hour).Truncate(time.Second)
		issued, err := authority.Issue(until, "collect.test")
		if err != nil {
			t.Fatal(err)
		}
		start, tries := time.Now(), 0
		conf := &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if tries++; tries == 1 || hello.ServerName != "collect.test" {
				return nil, errors.New("the authority is away")
			}
			return &issued, nil
		}}
		type told struct {
			after   time.Duration
			expires time.Time
			failed  bool
		}
		var all []told
		ctx, cancel := context.WithCancel(t.Context())
		Watch(ctx, conf, "collect.test", func(expires time.Time, err error) {
			if all = append(all, told{time.Since(start), expires.UTC(), err != nil}); len(all) == 3 {
				cancel()
			}
		})
		want := []told{{0, time.Time{}, true}, {watchRetry, until.UTC(), false}, {watchRetry + watchEvery, until.UTC(), false}}
		if !reflect.DeepEqual(all, want) {
			t.Errorf("told %v, want %v", all, want)
		}
	})
}

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
	conf, err := ACME(ACMEOptions{Names: []string{"collect.test"}, Cache: cache, Directory: directory.URL + wfe.DirectoryPath, RootCAs: roots})
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
	Watch(watched, conf, "collect.test", func(expires time.Time, err error) {
		if stop(); err != nil || !expires.After(time.Now()) {
			t.Errorf("before any client has come: a certificate until %v, %v", expires, err)
		}
	})
	ordered := orders.Load()
	state, err := handshake("collect.test")
	if err != nil || orders.Load() != ordered {
		t.Fatalf("the first handshake: %v, %d more requests to the authority; want none", err, orders.Load()-ordered)
	}
	if state.CurveID != tls.X25519MLKEM768 {
		t.Errorf("key exchange %v, want the hybrid one", state.CurveID)
	}
	before := orders.Load()
	if _, err := handshake("collect.test"); err != nil || orders.Load() != before {
		t.Errorf("the second handshake: %v, %d more requests to the authority; want none", err, orders.Load()-before)
	}
	if _, err := handshake("other.test"); err == nil || orders.Load() != before {
		t.Errorf("a name that is not ours: %v, %d requests to the authority", err, orders.Load()-before)
	}
	if info, err := os.Stat(cache); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("cache: %v, %v; want mode 0700", info, err)
	}
}

// pebble starts a real ACME server whose checks go to tlsPort of the address that every name
// resolves to.
func pebble(t *testing.T, tlsPort int) (directory *httptest.Server, authority *ca.CAImpl, requests *atomic.Int64) {
	t.Helper()
	names, err := net.Listen("tcp", "127.0.0.1:0") // pebble asks over TCP
	if err != nil {
		t.Fatal(err)
	}
	resolver := &dns.Server{Listener: names, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 2)}}
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = resolver.ActivateAndServe() }() // ends with Shutdown
	t.Cleanup(func() { _ = resolver.Shutdown() })
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	authority = ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "test"}})
	validator := va.New(quiet, 1, tlsPort, false, names.Addr().String(), store)
	front := wfe.New(quiet, store, validator, authority, []string{"pebble.test"}, false, false, 1, 1)
	requests = new(atomic.Int64)
	handler := front.Handler()
	directory = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(directory.Close)
	return directory, authority, requests
}
