package tcpprobe_test

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
	"github.com/heliograph-net/heliograph/report"
)

// listen serves one port at some loopback addresses; at the others nobody does.
func listen(t *testing.T, hosts ...string) (port string) {
	t.Helper()
	port = "0"
	for _, host := range hosts {
		l, err := net.Listen("tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Skip(err) // no IPv6 here, or the port is taken there
		}
		t.Cleanup(func() { _ = l.Close() })
		port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	}
	return port
}

func TestRulesForTheAddressesOfAName(t *testing.T) {
	dialer := resolveAt(probetest.Names(t,
		"one.example. A 127.0.0.1", "two.example. A 127.0.0.1", "two.example. A 127.0.0.2",
		"dual.example. A 127.0.0.1", "dual.example. AAAA ::1"))
	no := false
	for _, c := range []struct {
		name   string
		host   string
		answer []string
		rule   conn.Addresses
		want   report.Outcome
		server string
	}{
		{"any, the first is dead", "two", []string{"127.0.0.2"}, conn.Addresses{}, report.OK, "127.0.0.2"},
		{"any, IPv6 is dead", "dual", []string{"127.0.0.1"}, conn.Addresses{}, report.OK, "127.0.0.1"},
		{"any, IPv4 is dead", "dual", []string{"::1"}, conn.Addresses{}, report.OK, "::1"},
		{"any, all are dead", "two", []string{"127.0.0.3"}, conn.Addresses{}, report.TCPRefused, "127.0.0.1"},
		{"all answer", "two", []string{"127.0.0.1", "127.0.0.2"}, conn.Addresses{Rule: conn.AllAddresses}, report.OK, ""},
		{"all, the second is dead", "two", []string{"127.0.0.1"}, conn.Addresses{Rule: conn.AllAddresses}, report.TCPRefused, "127.0.0.2"},
		{"both answer", "dual", []string{"127.0.0.1", "::1"}, conn.Addresses{Rule: conn.BothFamilies}, report.OK, ""},
		{"both, IPv6 is dead", "dual", []string{"127.0.0.1"}, conn.Addresses{Rule: conn.BothFamilies}, report.TCPRefused, "::1"},
		{"both, IPv4 is dead", "dual", []string{"::1"}, conn.Addresses{Rule: conn.BothFamilies}, report.TCPRefused, "127.0.0.1"},
		{"both, there is no IPv6", "two", []string{"127.0.0.1"}, conn.Addresses{Rule: conn.BothFamilies}, report.DNSNameNotResolved, ""},
		{"IPv4 is preferred", "dual", []string{"::1"}, conn.Addresses{Prefer: "ip4"}, report.TCPRefused, "127.0.0.1"},
		{"IPv6 is preferred", "dual", []string{"127.0.0.1"}, conn.Addresses{Prefer: "ip6"}, report.TCPRefused, "::1"},
		{"IPv6 is preferred and not there", "one", []string{"127.0.0.1"}, conn.Addresses{Prefer: "ip6"}, report.OK, "127.0.0.1"},
		{"IPv6 alone, and not there", "one", []string{"127.0.0.1"}, conn.Addresses{Prefer: "ip6", Fallback: &no}, report.DNSNameNotResolved, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			port := listen(t, c.answer...)
			spec := &tcpprobe.Options{Target: net.JoinHostPort(c.host+".example.", port), Addresses: c.rule}
			r, err := probetest.Once(t, spec, probe.Env{Dialer: dialer}, probetest.Limit)
			if err != nil {
				t.Fatal(err)
			}
			server, _, _ := net.SplitHostPort(r.Server)
			if r.Outcome != c.want || c.server != "" && server != c.server {
				t.Errorf("%s at %s, want %s at %s", r.Outcome, r.Server, c.want, c.server)
			}
			if found := c.want != report.DNSNameNotResolved; len(r.Steps) != map[bool]int{true: 2, false: 1}[found] || r.Step(conn.StepDNS) <= 0 {
				t.Errorf("steps %+v", r.Steps)
			}
		})
	}
}

// The address that answers decides at once, whatever becomes of the others.
func TestNobodyWaitsForADeadAddress(t *testing.T) {
	host, port, _ := net.SplitHostPort(probetest.SilentHost(t))
	l, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	dialer := resolveAt(probetest.Names(t, "half.example. A "+host, "half.example. A 127.0.0.2"))
	started := time.Now()
	r, err := probetest.Once(t, &tcpprobe.Options{Target: "half.example.:" + port}, probe.Env{Dialer: dialer}, probetest.Limit)
	if took := time.Since(started); err != nil || r.Outcome != report.OK || took > probetest.Limit/2 {
		t.Errorf("%+v, %v after %v", r, err, took)
	}
}

func TestAddressesNameTheirFault(t *testing.T) {
	for want, o := range map[string]tcpprobe.Options{
		"want any, all or both": {Target: "a.example:1", Addresses: conn.Addresses{Rule: "most"}},
		"want ip4 or ip6":       {Target: "a.example:1", Addresses: conn.Addresses{Prefer: "ipv4"}},
		"leaves one out":        {Target: "a.example:1", Addresses: conn.Addresses{Prefer: "ip4", Rule: "both"}},
		"need a name":           {Target: "192.0.2.1:1", Addresses: conn.Addresses{Rule: "both"}},
	} {
		if _, err := o.Probe(probe.Env{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestSourceAddress(t *testing.T) {
	from := make(chan string, 1)
	address, _ := probetest.Serve(t, func(c net.Conn) { from <- c.RemoteAddr().(*net.TCPAddr).IP.String() })
	o := &tcpprobe.Options{Target: address}
	o.Source = "127.0.0.77"
	if r, err := probetest.Once(t, o, probe.Env{}, probetest.Limit); err != nil || r.Outcome != report.OK || <-from != "127.0.0.77" {
		t.Errorf("%+v, %v", r, err)
	}
	o.Source = "here"
	if _, err := o.Probe(probe.Env{}); err == nil || !strings.Contains(err.Error(), "source_ip_address") {
		t.Error(err)
	}
}
