package tcpprobe_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
	"github.com/heliograph-net/heliograph/report"
)

// nameServer answers each name in its own way, and gives a dialer that asks nobody else.
func nameServer(t *testing.T) *net.Dialer {
	t.Helper()
	return resolveAt(probetest.NameServer(t, func(q *dns.Msg) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		question := q.Question[0]
		switch {
		case question.Name == "servfail.example.":
			m.Rcode = dns.RcodeServerFailure
		case question.Name == "silent.example.":
			return nil
		case question.Name == "shop.example." && question.Qtype == dns.TypeA:
			a, _ := dns.NewRR("shop.example. 60 IN A 127.0.0.1")
			m.Answer = append(m.Answer, a)
		case question.Name != "shop.example.":
			m.Rcode = dns.RcodeNameError
		}
		return m
	}))
}

func resolveAt(address string) *net.Dialer {
	return &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}}}
}

func TestProbeOfNames(t *testing.T) {
	server, _ := probetest.Serve(t, probetest.Nothing)
	_, port, _ := net.SplitHostPort(server)
	working := nameServer(t)
	for _, c := range []struct {
		name    string
		host    string
		dialer  *net.Dialer
		want    report.Outcome
		timeout time.Duration
	}{
		{"resolves", "shop.example.", working, report.OK, probetest.Limit},
		{"NXDOMAIN", "nobody.example.", working, report.DNSNameNotResolved, probetest.Limit},
		{"SERVFAIL", "servfail.example.", working, report.DNSFailed, probetest.Limit},
		{"no answer", "silent.example.", working, report.DNSTimedOut, probetest.Soon},
		{"no name server", "shop.example.", resolveAt(closedUDPPort(t)), report.DNSUnreachable, probetest.Limit},
	} {
		t.Run(c.name, func(t *testing.T) {
			result, err := probetest.Once(t, &tcpprobe.Options{Target: net.JoinHostPort(c.host, port)}, probe.Env{Dialer: c.dialer}, c.timeout)
			if err != nil {
				t.Fatal(err)
			}
			if result.Outcome != c.want || result.Step(conn.StepDNS) <= 0 {
				t.Errorf("%+v, want %s", result, c.want)
			}
			if found := c.want == report.OK; found != (result.Ended() == conn.StepConnect) || found != (result.Server == server) {
				t.Errorf("ended in %s at %q", result.Ended(), result.Server)
			}
		})
	}
}

func closedUDPPort(t *testing.T) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	return socket.LocalAddr().String()
}
