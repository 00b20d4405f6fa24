package system

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/internal/netns"
	"github.com/heliograph-net/heliograph/tests/acme"
)

// street is a place where each host has a network of its own, all on one bridge. There are names,
// and an authority that gives certificates for them as the one does that hosts ask by default.
type street struct {
	hosts map[string]*netns.Network
	env   []string
}

// The operator's machine, on which are also the target that is probed and the authority.
var operatorAddress = netip.MustParseAddr("192.168.90.1")

// Names by which hosts are known.
const (
	authorityName = "acme-v02.api.letsencrypt.org"
	targetName    = "web-1.example.com"
)

var publicNames = map[string]string{"c1": "c1.example.net", "c2": "c2.example.org", "c3": "c3.example.net", "r1": "r1.example.com", "r2": "r2.example.net"}

// separateHosts returns a place with a host for each of the pages, and nil if the test has already
// run in it. If there cannot be such a place, it logs why, and returns one machine.
func separateHosts(t *testing.T) place {
	t.Helper()
	where, err := netns.Enter(t, binaryEnv+"="+binary)
	switch where {
	case netns.Ran:
		return nil
	case netns.None:
		t.Logf("the kernel gives no networks (%v): all hosts are addresses of this machine", err)
		return oneMachine(t)
	}
	if err := netns.AddBridge("street", operatorAddress); err != nil {
		t.Logf("the kernel has no bridges (%v): all hosts are addresses of this machine", err)
		return oneMachine(t)
	}
	s := &street{hosts: map[string]*netns.Network{}}
	known := map[string]netip.Addr{authorityName: operatorAddress, targetName: operatorAddress}
	addr := netip.MustParseAddr("192.168.90.11")
	for _, host := range hostNames {
		n, err := netns.New()
		if err == nil {
			err = n.Connect("street", host, addr)
		}
		if err != nil {
			t.Fatalf("a network for %s: %v", host, err)
		}
		t.Cleanup(func() { _ = n.Close() })
		s.hosts[host] = n
		if name := publicNames[host]; name != "" {
			known[name] = addr
		}
		addr = addr.Next()
	}
	s.serve(t, known)
	return s
}

// serve makes names known, and serves the authority and the target.
func (s *street) serve(t *testing.T, known map[string]netip.Addr) {
	t.Helper()
	dir := t.TempDir()
	lines := "127.0.0.1 localhost\n"
	for name, addr := range known {
		lines += fmt.Sprintf("%s %s\n", addr, name)
	}
	hosts := filepath.Join(dir, "hosts")
	if err := os.WriteFile(hosts, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := netns.SetHosts(hosts); err != nil {
		t.Fatal(err)
	}
	authority := acme.New(t, 443, func(name string) netip.Addr { return known[name] })
	ca, err := devca.New("the web")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue(time.Now().Add(time.Hour), authorityName, targetName)
	if err != nil {
		t.Fatal(err)
	}
	trusted := filepath.Join(dir, "authorities.pem")
	if err := os.WriteFile(trusted, append(ca.PEM(), authority.Root...), 0o644); err != nil {
		t.Fatal(err)
	}
	s.env = []string{"SSL_CERT_FILE=" + trusted, "SSL_CERT_DIR=" + dir}
	listener, err := tls.Listen("tcp", netip.AddrPortFrom(operatorAddress, 443).String(), &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: wait, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != authorityName {
			return // the target is well
		}
		if r.URL.Path == "/directory" {
			r.URL.Path = acme.Path
		}
		authority.ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(listener) }() // ends with Close
	t.Cleanup(func() { _ = server.Close() })
}

func (s *street) on(host string, f func() error) error {
	if n := s.hosts[host]; n != nil {
		return n.Do(f)
	}
	return f()
}

func (s *street) operations(_, role string) string { return "127.0.0.1:" + operationsPort(role) }
func (s *street) text(page string) string          { return page }
func (s *street) settings(string, string) string   { return "" }
func (s *street) environment() []string            { return s.env }
