package dnsprobe_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/dnsprobe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
)

func records(t *testing.T, texts ...string) (all []dns.RR) {
	t.Helper()
	for _, text := range texts {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rr)
	}
	return all
}

// answers gives each name its own answer.
func answers(t *testing.T) func(q *dns.Msg) *dns.Msg {
	two := records(t, "two.example. 60 IN A 192.0.2.1", "two.example. 60 IN A 192.0.2.2")
	other := records(t, "other.example. 60 IN MX 10 mail.example.")
	return func(q *dns.Msg) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		switch q.Question[0].Name {
		case "two.example.":
			m.Answer, m.Ns, m.Extra = two, records(t, "example. 60 IN NS ns.example."), records(t, "ns.example. 60 IN A 192.0.2.53")
		case "mail.example.":
			m.Answer = other
		case "empty.example.":
		case "recursion.example.":
			if q.RecursionDesired {
				m.Rcode = dns.RcodeRefused
			}
		case "servfail.example.":
			m.Rcode = dns.RcodeServerFailure
		case "othername.example.":
			m.Question[0].Name = "nobody.example."
		case "otherid.example.":
			m.Id++
		case "query.example.":
			m.Response = false
		case "silent.example.":
			return nil
		default:
			m.Rcode = dns.RcodeNameError
		}
		return m
	}
}

func TestProbeOfNameServers(t *testing.T) {
	no := false
	servers := map[string]dnsprobe.Options{
		"udp": {Server: probetest.NameServer(t, answers(t))}, "tcp": {Server: overTCP(t, nil), Transport: "tcp"},
		"tls": overTLS(t), "https, h2": overHTTPS(t, true), "https, http/1.1": overHTTPS(t, false),
	}
	for _, c := range []struct {
		name string
		ask  dnsprobe.Options
		want report.Outcome
	}{
		{"good", dnsprobe.Options{QueryName: "two.example"}, report.OK},
		{"NXDOMAIN", dnsprobe.Options{QueryName: "nobody.example"}, report.DNSNameNotResolved},
		{"NXDOMAIN, wanted", dnsprobe.Options{QueryName: "nobody.example", ValidCodes: []string{"NXDOMAIN"}}, report.OK},
		{"no NXDOMAIN", dnsprobe.Options{QueryName: "two.example", ValidCodes: []string{"NXDOMAIN"}}, report.DNSAnswerUnexpected},
		{"SERVFAIL", dnsprobe.Options{QueryName: "servfail.example"}, report.DNSServer},
		{"REFUSED", dnsprobe.Options{QueryName: "recursion.example"}, report.DNSServer},
		{"no recursion", dnsprobe.Options{QueryName: "recursion.example", Recursion: &no}, report.OK},
		{"data", dnsprobe.Options{QueryName: "two.example", Answers: []string{"192.0.2.2", "192.0.2.1"}}, report.OK},
		{"data of another type", dnsprobe.Options{QueryName: "mail.example", QueryType: "mx", Answers: []string{"10 mail.example."}}, report.OK},
		{"other data", dnsprobe.Options{QueryName: "two.example", Answers: []string{"192.0.2.3"}}, report.DNSAnswerUnexpected},
		{"no data", dnsprobe.Options{QueryName: "empty.example", Answers: []string{"192.0.2.1"}}, report.DNSAnswerUnexpected},
		{"nothing asked of an empty answer", dnsprobe.Options{QueryName: "empty.example"}, report.OK},
		{"none matches", dnsprobe.Options{QueryName: "two.example", Answer: dnsprobe.Rules{FailIfNoneMatches: []string{`\t192\.0\.2\.2$`}}}, report.OK},
		{"none matches, broken", dnsprobe.Options{QueryName: "two.example", Answer: dnsprobe.Rules{FailIfNoneMatches: []string{"MX"}}}, report.DNSAnswerUnexpected},
		{"none matches, empty", dnsprobe.Options{QueryName: "empty.example", Answer: dnsprobe.Rules{FailIfNoneMatches: []string{"A"}}}, report.DNSAnswerUnexpected},
		{"not matches", dnsprobe.Options{QueryName: "two.example", Answer: dnsprobe.Rules{FailIfNotMatches: []string{"IN", "A"}}}, report.OK},
		{"not matches, broken", dnsprobe.Options{QueryName: "two.example", Answer: dnsprobe.Rules{FailIfNotMatches: []string{"2.1$"}}}, report.DNSAnswerUnexpected},
		{"matches, broken", dnsprobe.Options{QueryName: "two.example", Answer: dnsprobe.Rules{FailIfMatches: []string{"2.1$"}}}, report.DNSAnswerUnexpected},
		{"all match", dnsprobe.Options{QueryName: "two.example", Answer: dnsprobe.Rules{FailIfAllMatch: []string{"2.1$"}}}, report.OK},
		{"all match, broken", dnsprobe.Options{QueryName: "two.example", Answer: dnsprobe.Rules{FailIfAllMatch: []string{"A"}}}, report.DNSAnswerUnexpected},
		{"authority", dnsprobe.Options{QueryName: "two.example", Authority: dnsprobe.Rules{FailIfMatches: []string{"NS"}}}, report.DNSAnswerUnexpected},
		{"additional", dnsprobe.Options{QueryName: "two.example", Additional: dnsprobe.Rules{FailIfNotMatches: []string{"ns.example."}}}, report.OK},
	} {
		for transport, o := range servers {
			t.Run(c.name+" by "+transport, func(t *testing.T) {
				ask := c.ask
				ask.Server, ask.Transport, ask.OverTLS, ask.TLS = o.Server, o.Transport, o.OverTLS, o.TLS
				r, err := probetest.Once(t, &ask, probe.Env{}, probetest.Limit)
				if err != nil || r.Outcome != c.want || r.Ended() != dnsprobe.StepQuery {
					t.Errorf("%+v, %v; want %s", r, err, c.want)
				}
				if encrypted := ask.TLS.RootCAs != nil; encrypted == r.CertificateEnds.IsZero() {
					t.Errorf("the certificate ends %v", r.CertificateEnds)
				}
			})
		}
	}
}

func overTCP(t *testing.T, config *tls.Config) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	probetest.ServeNames(t, &dns.Server{Listener: listener}, answers(t))
	return address
}

func overTLS(t *testing.T) dnsprobe.Options {
	ours := probetest.NewAuthority(t)
	return dnsprobe.Options{Server: overTCP(t, ours.Server(t, "dot")), OverTLS: true, TLS: conn.TLSOptions{RootCAs: ours.Pool(), ServerName: "shop.example"}}
}

func overHTTPS(t *testing.T, h2 bool) dnsprobe.Options {
	reply := answers(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var q dns.Msg
		if q.Unpack(body) != nil || r.URL.Path != "/dns-query" || q.Id != 0 || r.Header.Get("Content-Type") != "application/dns-message" {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		wire, _ := reply(&q).Pack()
		w.Header().Set("Content-Type", "application/dns-message")
		_, _ = w.Write(wire)
	}))
	server.EnableHTTP2 = h2
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return dnsprobe.Options{Server: server.URL + "/dns-query", TLS: conn.TLSOptions{RootCAs: roots}}
}

// Datagrams that do not answer the question do not count, whoever sends them.
func TestProbeOfMisbehavingNameServersOverUDP(t *testing.T) {
	server := probetest.NameServer(t, answers(t))
	for _, name := range []string{"silent.example", "othername.example", "otherid.example", "query.example"} {
		r, err := probetest.Once(t, &dnsprobe.Options{Server: server, QueryName: name}, probe.Env{}, probetest.Soon)
		if err != nil || r.Outcome != report.DNSTimedOut || r.Ended() != dnsprobe.StepQuery || r.Server != server {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	garbage, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		b := make([]byte, 512)
		_, from, err := garbage.ReadFrom(b)
		if err == nil {
			_, _ = garbage.WriteTo([]byte("garbage"), from)
		}
	}()
	defer garbage.Close()
	r, err := probetest.Once(t, &dnsprobe.Options{Server: garbage.LocalAddr().String(), QueryName: "two.example"}, probe.Env{}, probetest.Limit)
	if err != nil || r.Outcome != report.DNSProtocol {
		t.Errorf("garbage: %+v, %v", r, err)
	}
	closed, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	r, err = probetest.Once(t, &dnsprobe.Options{Server: closed.LocalAddr().String(), QueryName: "two.example"}, probe.Env{}, probetest.Limit)
	if err != nil || r.Outcome != report.UDPRefused {
		t.Errorf("nobody listens: %+v, %v", r, err)
	}
}

func TestProbeOfMisbehavingNameServersOverTCP(t *testing.T) {
	say := func(b ...byte) func(net.Conn) {
		return func(c net.Conn) {
			var length [2]byte
			_, _ = io.ReadFull(c, length[:])
			_, _ = io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint16(length[:])))
			_, _ = c.Write(b)
		}
	}
	for _, c := range []struct {
		name   string
		handle func(net.Conn)
		want   report.Outcome
	}{
		{"closes", say(), report.TCPClosed},
		{"half an answer", say(0, 9, 1), report.TCPClosed},
		{"garbage", say(0, 2, 1, 1), report.DNSProtocol},
		{"another answer", say(append([]byte{0, 12}, make([]byte, 12)...)...), report.DNSProtocol},
		{"resets", func(c net.Conn) { say()(c); probetest.Reset(c) }, report.TCPReset},
		{"stalls", probetest.Stall, report.DNSTimedOut},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, _ := probetest.Serve(t, c.handle)
			timeout := probetest.Limit
			if c.want == report.DNSTimedOut {
				timeout = probetest.Soon
			}
			r, err := probetest.Once(t, &dnsprobe.Options{Server: address, Transport: "tcp", QueryName: "two.example"}, probe.Env{}, timeout)
			if err != nil || r.Outcome != c.want || r.Ended() != dnsprobe.StepQuery {
				t.Errorf("%+v, %v; want %s", r, err, c.want)
			}
		})
	}
}

func TestProbeOfMisbehavingServersOverHTTPS(t *testing.T) {
	for _, c := range []struct {
		name   string
		handle http.HandlerFunc
		want   report.Outcome
		status uint16
	}{
		{"500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, report.HTTPError, 500},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, report.HTTPFailed, 302},
		{"a page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, report.DNSProtocol, 200},
		{"garbage", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/dns-message")
			_, _ = io.WriteString(w, "x")
		}, report.DNSProtocol, 200},
		{"breaks off", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, report.H2ProtocolError, 0},
		{"stalls", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, report.DNSTimedOut, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(c.handle)
			server.EnableHTTP2 = true
			server.StartTLS()
			defer server.Close()
			roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
			timeout := probetest.Limit
			if c.want == report.DNSTimedOut {
				timeout = time.Second
			}
			spec := &dnsprobe.Options{Server: server.URL, QueryName: "two.example", TLS: conn.TLSOptions{RootCAs: roots}}
			r, err := probetest.Once(t, spec, probe.Env{}, timeout)
			if err != nil || r.Outcome != c.want || r.Status != c.status || r.Ended() != dnsprobe.StepQuery {
				t.Errorf("%+v, %v; want %s with %d", r, err, c.want, c.status)
			}
		})
	}
}

func FuzzAnswer(f *testing.F) {
	seed, _ := base64.StdEncoding.DecodeString("AAGAAAABAAEAAAAAA3R3bwdleGFtcGxlAAABAAHADAABAAEAAAA8AATAAAIB")
	f.Add(seed)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	defer listener.Close()
	answer := make(chan []byte, 1)
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 512))
			b := <-answer
			_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
			_ = c.Close()
		}
	}()
	p, err := (&dnsprobe.Options{Server: listener.Addr().String(), Transport: "tcp", QueryName: "two.example"}).Probe(probe.Env{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		answer <- b[:min(len(b), 65535)]
		if r, err := p(context.Background()); err != nil || !r.Outcome.Valid() {
			t.Errorf("%+v, %v", r, err)
		}
	})
}
