// Package acme runs a real ACME server, pebble, in tests. Start with [New].
package acme

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"sync/atomic"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// Path is where a server answers with its directory (RFC 8555, section 7.1.1).
const Path = wfe.DirectoryPath

// Server is an ACME server.
type Server struct {
	http.Handler        // to be served with TLS
	Root         []byte // the authority of its certificates, PEM
	// Orders counts the orders for certificates, and no other requests: clients may end the
	// authorizations of an order in the background.
	Orders atomic.Int64
}

// New makes a server that checks by TLS-ALPN-01 that port tlsPort answers for a name, at the
// address that the name resolves to.
func New(t *testing.T, tlsPort int, address func(name string) netip.Addr) *Server {
	t.Helper()
	for key, value := range map[string]string{"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"} {
		t.Setenv(key, value)
	}
	if err := os.Unsetenv("PEBBLE_VA_ALWAYS_VALID"); err != nil {
		t.Fatal(err)
	}
	quiet, store := log.New(io.Discard, "", 0), db.NewMemoryStore()
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "test"}})
	validator := va.New(quiet, 1, tlsPort, false, nameServer(t, address), store)
	front := wfe.New(quiet, store, validator, authority, []string{"pebble.test"}, false, false, 1, 1)
	handler := front.Handler()
	order := orderPath(t, handler)
	s := &Server{Root: authority.GetRootCert(0).PEM()}
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == order {
			s.Orders.Add(1)
		}
		handler.ServeHTTP(w, r)
	})
	return s
}

// orderPath is where a server takes orders, as its directory says (RFC 8555, section 7.1.1).
func orderPath(t *testing.T, server http.Handler) string {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, Path, nil)
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

// nameServer starts a name server, and returns where it is.
func nameServer(t *testing.T, address func(name string) netip.Addr) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // pebble asks over TCP
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: ln, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m, name := new(dns.Msg).SetReply(q), q.Question[0].Name
		if a := address(name[:len(name)-1]); q.Question[0].Qtype == dns.TypeA && a.Is4() {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: a.AsSlice()}}
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = server.ActivateAndServe() }() // ends with Shutdown
	t.Cleanup(func() { _ = server.Shutdown() })
	return ln.Addr().String()
}
