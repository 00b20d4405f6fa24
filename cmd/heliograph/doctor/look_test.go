package doctor

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/internal/nettable"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// nameServer answers from zone records in the usual text form, and NXDOMAIN for other names.
func nameServer(t *testing.T, records ...string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		known := false
		for _, text := range records {
			rr, err := dns.NewRR(text)
			if err != nil {
				t.Error(err)
				continue
			}
			known = known || rr.Header().Name == q.Question[0].Name
			if rr.Header().Name == q.Question[0].Name && rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		if !known {
			m.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = srv.ActivateAndServe() }() // ends with Shutdown
	t.Cleanup(func() { _ = srv.Shutdown() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// server serves a policy's bytes over TLS at address.
func server(t *testing.T, ca *devca.CA, address, host string, h http.HandlerFunc) (port string) {
	t.Helper()
	cert, err := ca.Issue(time.Now().Add(48*time.Hour), host)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", address+":0")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	s.Listener = ln
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.StartTLS()
	t.Cleanup(s.Close)
	_, port, _ = net.SplitHostPort(ln.Addr().String())
	return port
}

func policyHandler(date time.Time) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", protocol.MediaTypePolicy)
		w.Header().Set("Date", date.UTC().Format(http.TimeFormat))
	}
}

func TestLookFindsWhatIsThere(t *testing.T) {
	ca, err := devca.New("Doctor test root")
	if err != nil {
		t.Fatal(err)
	}
	port := server(t, ca, "127.0.0.2", "collect.watch.test", policyHandler(time.Now().Add(-time.Hour)))
	table, err := nettable.Load(strings.NewReader("127.0.0.2\t127.0.0.2\t64502\tXA\tWatch Hosting\n"))
	if err != nil {
		t.Fatal(err)
	}
	l := &Looker{RootCAs: ca.Pool(), Networks: table, Timeout: 3 * time.Second, Resolver: nameServer(t,
		"collect.watch.test. A 127.0.0.2", "watch.test. NS NS1.dns.test.", "watch.test. NS ns2.dns.test.")}
	f := l.Collector(t.Context(), policy.Collector{ID: "c1", URL: "https://collect.watch.test:" + port, Addresses: []string{"127.0.0.2:" + port, "127.0.0.3:9"}})
	if !slices.Equal(f.Addresses, []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3")}) || !slices.Equal(f.ASNs, []uint32{64502}) {
		t.Errorf("addresses %v, ASNs %v", f.Addresses, f.ASNs)
	}
	slices.Sort(f.NameServers)
	if f.Domain != "watch.test" || !slices.Equal(f.NameServers, []string{"ns1.dns.test", "ns2.dns.test"}) {
		t.Errorf("domain %q, name servers %v", f.Domain, f.NameServers)
	}
	if f.Authority != "Doctor test root" || time.Until(f.Expires) < 24*time.Hour {
		t.Errorf("authority %q, expires %v", f.Authority, f.Expires)
	}
	if off := f.ClockOffset; off > -59*time.Minute || off < -61*time.Minute {
		t.Errorf("clock offset %v, want about an hour behind", off)
	}
	if len(f.Faults) != 1 || !strings.Contains(f.Faults[0], "fallback address 127.0.0.3:9") || len(f.Unknown) != 0 {
		t.Errorf("faults %q, unknown %q; want the dead fallback address alone", f.Faults, f.Unknown)
	}
}

func TestLookNamesWhatIsBroken(t *testing.T) {
	ca, err := devca.New("Doctor test root")
	if err != nil {
		t.Fatal(err)
	}
	other := server(t, ca, "127.0.0.2", "other.test", policyHandler(time.Now()))
	portal := server(t, ca, "127.0.0.2", "127.0.0.2", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sign in</html>")) })
	l := &Looker{RootCAs: ca.Pool(), Timeout: 3 * time.Second, Resolver: nameServer(t, "collect.test. A 127.0.0.2")}
	for name, tt := range map[string]struct{ url, want string }{
		"no such name":    {"https://gone.test", "gone.test does not resolve"},
		"another's name":  {"https://collect.test:" + other, "certificate is not valid"},
		"captive portal":  {"https://127.0.0.2:" + portal, "is no collector"},
		"nothing listens": {"https://127.0.0.3:9", "does not answer by its name"},
	} {
		t.Run(name, func(t *testing.T) {
			f := l.Collector(t.Context(), policy.Collector{ID: "c1", URL: tt.url})
			if !strings.Contains(strings.Join(f.Faults, "\n"), tt.want) {
				t.Errorf("faults %q, want %q", f.Faults, tt.want)
			}
		})
	}
}
