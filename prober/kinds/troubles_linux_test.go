package kinds_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/heliograph-net/heliograph/internal/netns"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/dnsprobe"
	"github.com/heliograph-net/heliograph/prober/probe/grpcprobe"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/icmpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/tlsprobe"
	"github.com/heliograph-net/heliograph/prober/probe/udpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/wsprobe"
	"github.com/heliograph-net/heliograph/report"
)

// over is what carries a kind of probe.
type over int

const (
	overTCP over = iota
	overTLS
	overUDP
	overQUIC
	overIP
)

// way is a kind of probe by one of its transports.
type way struct {
	name string
	over over
	at   func(address string, o conn.TLSOptions) probe.Spec
}

var ways = []way{
	{"tcp", overTCP, func(a string, _ conn.TLSOptions) probe.Spec {
		return &tcpprobe.Options{Target: a, Dialogue: []tcpprobe.Turn{{Expect: "hello"}}}
	}},
	{"tcp with TLS", overTLS, func(a string, o conn.TLSOptions) probe.Spec {
		return &tcpprobe.Options{Target: a, Secure: true, TLS: o}
	}},
	{"tls", overTLS, func(a string, o conn.TLSOptions) probe.Spec { return &tlsprobe.Options{Target: a, TLS: o} }},
	{"http", overTCP, func(a string, _ conn.TLSOptions) probe.Spec { return &httpprobe.Options{URL: "http://" + a} }},
	{"https", overTLS, func(a string, o conn.TLSOptions) probe.Spec { return &httpprobe.Options{URL: "https://" + a, TLS: o} }},
	{"http/2", overTLS, func(a string, o conn.TLSOptions) probe.Spec {
		return &httpprobe.Options{URL: "https://" + a, HTTP2: true, TLS: o}
	}},
	{"http/3", overQUIC, func(a string, o conn.TLSOptions) probe.Spec {
		return &httpprobe.Options{URL: "https://" + a, Version: "h3", TLS: o}
	}},
	{"dns over UDP", overUDP, func(a string, _ conn.TLSOptions) probe.Spec {
		return &dnsprobe.Options{Server: a, QueryName: "a.example"}
	}},
	{"dns over TCP", overTCP, func(a string, _ conn.TLSOptions) probe.Spec {
		return &dnsprobe.Options{Server: a, QueryName: "a.example", Transport: "tcp"}
	}},
	{"dns over TLS", overTLS, func(a string, o conn.TLSOptions) probe.Spec {
		return &dnsprobe.Options{Server: a, QueryName: "a.example", OverTLS: true, TLS: o}
	}},
	{"dns over HTTPS", overTLS, func(a string, o conn.TLSOptions) probe.Spec {
		return &dnsprobe.Options{Server: "https://" + a + "/dns-query", QueryName: "a.example", TLS: o}
	}},
	{"websocket", overTCP, func(a string, _ conn.TLSOptions) probe.Spec { return &wsprobe.Options{URL: "ws://" + a} }},
	{"websocket over TLS", overTLS, func(a string, o conn.TLSOptions) probe.Spec { return &wsprobe.Options{URL: "wss://" + a, TLS: o} }},
	{"grpc", overTCP, func(a string, _ conn.TLSOptions) probe.Spec { return &grpcprobe.Options{Target: a} }},
	{"grpc over TLS", overTLS, func(a string, o conn.TLSOptions) probe.Spec {
		return &grpcprobe.Options{Target: a, Secure: true, TLS: o}
	}},
	{"udp", overUDP, func(a string, _ conn.TLSOptions) probe.Spec { return &udpprobe.Options{Target: a, Send: "hello"} }},
	{"icmp", overIP, func(a string, _ conn.TLSOptions) probe.Spec {
		host, _, _ := net.SplitHostPort(a)
		return &icmpprobe.Options{Host: host}
	}},
}

// soon is the timeout of attempts that should hang.
const soon = time.Second

// each makes an attempt of each way for which want has an outcome, all at the same time, and checks
// them.
func each(t *testing.T, trouble string, want map[over]report.Outcome, step string, env probe.Env, timeout time.Duration, at func(over) string, o conn.TLSOptions) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	var attempts sync.WaitGroup
	for _, w := range ways {
		outcome, there := want[w.over]
		if !there {
			continue
		}
		if outcome == report.UDPTimedOut && w.name == "dns over UDP" {
			outcome = report.DNSTimedOut
		}
		f, err := w.at(at(w.over), o).Probe(env)
		if err != nil {
			t.Fatalf("%s, %s: %v", trouble, w.name, err)
		}
		attempts.Go(func() {
			if r, err := f(ctx); err != nil || r.Outcome != outcome || step != "" && r.Ended() != step {
				t.Errorf("%s, %s: %+v, %v; want %s in %s", trouble, w.name, r, err, outcome, step)
			}
		})
	}
	attempts.Wait()
}

func at(address string) func(over) string { return func(over) string { return address } }

// Every kind of probe names what its target's host, port and certificate have in common with those
// of all other kinds by the same outcomes. What goes wrong in the protocol of a kind is tested in
// its package.
func TestTroublesOfAllKinds(t *testing.T) {
	if !netns.Own(t) {
		return
	}
	var none conn.TLSOptions
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	gone := netip.MustParseAddr("192.0.2.1")
	if err := netns.Unreachable(gone); err != nil {
		t.Fatal(err)
	}
	each(t, "nobody listens", map[over]report.Outcome{overTCP: report.TCPRefused, overTLS: report.TCPRefused, overUDP: report.UDPRefused, overQUIC: report.UDPRefused},
		"", probe.Env{}, probetest.Limit, at(probetest.ClosedPort(t)), none)
	each(t, "unreachable", map[over]report.Outcome{overTCP: report.TCPAddressUnreachable, overTLS: report.TCPAddressUnreachable,
		overUDP: report.UDPAddressUnreachable, overQUIC: report.UDPAddressUnreachable, overIP: report.ICMPAddressUnreachable},
		"", probe.Env{}, probetest.Limit, at(gone.String()+":443"), none)
	each(t, "silent host", map[over]report.Outcome{overTCP: report.TCPTimedOut, overTLS: report.TCPTimedOut},
		conn.StepConnect, probe.Env{}, soon, at(probetest.SilentHost(t)), none)
	each(t, "silent port", map[over]report.Outcome{overUDP: report.UDPTimedOut, overQUIC: report.UDPTimedOut},
		"", probe.Env{}, soon, at(silent.LocalAddr().String()), none)

	reset, _ := probetest.Serve(t, probetest.Reset)
	resetLate, _ := probetest.Serve(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)); probetest.Reset(c) })
	each(t, "resets", map[over]report.Outcome{overTCP: report.TCPReset}, "", probe.Env{}, probetest.Limit, at(reset), none)
	each(t, "resets", map[over]report.Outcome{overTLS: report.TCPReset}, conn.StepTLS, probe.Env{}, probetest.Limit, at(resetLate), none)
	stalls, _ := probetest.Serve(t, probetest.Stall)
	each(t, "stalls", map[over]report.Outcome{overTLS: report.TCPTimedOut}, conn.StepTLS, probe.Env{}, soon, at(stalls), none)
	closes, _ := probetest.Serve(t, probetest.HangUp)
	each(t, "closes", map[over]report.Outcome{overTLS: report.TCPClosed}, conn.StepTLS, probe.Env{}, probetest.Limit, at(closes), none)
	greets, _ := probetest.Serve(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 mail.example ESMTP\r\n"); probetest.HangUp(c) })
	each(t, "speaks no TLS", map[over]report.Outcome{overTLS: report.TLSProtocolError}, conn.StepTLS, probe.Env{}, probetest.Limit, at(greets), none)

	certificates(t)
	names(t)
}

// certificates are the troubles with a server's certificate.
func certificates(t *testing.T) {
	ours, others := probetest.NewAuthority(t), probetest.NewAuthority(t)
	// with serves a certificate over TCP and over UDP.
	with := func(c tls.Certificate) func(over) string {
		config := &tls.Config{Certificates: []tls.Certificate{c}}
		tcp, _ := probetest.Serve(t, probetest.Secure(config, probetest.Stall))
		udp := probetest.ServeHTTP3(t, config, nil)
		return func(o over) string { return map[over]string{overTLS: tcp, overQUIC: udp}[o] }
	}
	good, ended := with(ours.Certificate(t, time.Hour)), with(ours.Certificate(t, -time.Hour))
	for trouble, c := range map[string]struct {
		want report.Outcome
		at   func(over) string
		o    conn.TLSOptions
	}{
		"other name":        {report.TLSCertNameInvalid, good, conn.TLSOptions{RootCAs: ours.Pool(), ServerName: "other.example"}},
		"unknown authority": {report.TLSCertAuthorityInvalid, good, conn.TLSOptions{RootCAs: others.Pool(), ServerName: "shop.example"}},
		"ended":             {report.TLSCertDateInvalid, ended, conn.TLSOptions{RootCAs: ours.Pool(), ServerName: "shop.example"}},
	} {
		each(t, trouble, map[over]report.Outcome{overTLS: c.want}, conn.StepTLS, probe.Env{}, probetest.Limit, c.at, c.o)
		each(t, trouble, map[over]report.Outcome{overQUIC: c.want}, conn.StepConnect, probe.Env{}, probetest.Limit, c.at, c.o)
	}
}

// names are the troubles with the lookup of a target's name.
func names(t *testing.T) {
	server := probetest.NameServer(t, func(q *dns.Msg) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		switch q.Question[0].Name {
		case "silent.example.":
			return nil
		case "failing.example.":
			m.Rcode = dns.RcodeServerFailure
		default:
			m.Rcode = dns.RcodeNameError
		}
		return m
	})
	dead, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = dead.Close()
	all := func(o report.Outcome) map[over]report.Outcome {
		return map[over]report.Outcome{overTCP: o, overTLS: o, overUDP: o, overQUIC: o, overIP: o}
	}
	for trouble, c := range map[string]struct {
		want     report.Outcome
		resolver string
		host     string
		timeout  time.Duration
	}{
		"no such name":   {report.DNSNameNotResolved, server, "nobody.example.", probetest.Limit},
		"failing name":   {report.DNSFailed, server, "failing.example.", probetest.Limit},
		"silent name":    {report.DNSTimedOut, server, "silent.example.", soon},
		"no name server": {report.DNSUnreachable, dead.LocalAddr().String(), "shop.example.", probetest.Limit},
	} {
		env := probe.Env{Dialer: &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, c.resolver)
		}}}}
		each(t, trouble, all(c.want), conn.StepDNS, env, c.timeout, at(c.host+":443"), conn.TLSOptions{})
	}
}
