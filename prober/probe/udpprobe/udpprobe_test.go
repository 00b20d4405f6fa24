package udpprobe_test

import (
	"net"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/prober/probe/udpprobe"
	"github.com/heliograph-net/heliograph/report"
)

func TestProbeOfUDPServers(t *testing.T) {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := socket.ReadFrom(b)
			if err != nil {
				return
			}
			if string(b[:n]) != "silence" {
				_, _ = socket.WriteTo([]byte("you said "+string(b[:n])), from)
			}
		}
	}()
	closed, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for _, c := range []struct {
		server net.Addr
		send   string
		expect string
		want   report.Outcome
	}{
		{socket.LocalAddr(), "hello", "", report.OK},
		{socket.LocalAddr(), "hel\x00lo", "^you said hel\x00lo$", report.OK},
		{socket.LocalAddr(), "hello", "bye", report.UDPAnswerUnexpected},
		{socket.LocalAddr(), "silence", "", report.UDPTimedOut},
		{closed.LocalAddr(), "hello", "", report.UDPRefused},
	} {
		timeout := probetest.Limit
		if c.want == report.UDPTimedOut {
			timeout = probetest.Soon
		}
		r, err := probetest.Once(t, &udpprobe.Options{Target: c.server.String(), Send: c.send, Expect: c.expect}, probe.Env{}, timeout)
		if err != nil || r.Outcome != c.want || r.Ended() != udpprobe.StepExchange || r.Server != c.server.String() {
			t.Errorf("%q: %+v, %v; want %s", c.send, r, err, c.want)
		}
	}
}

func TestDatagramInHexadecimal(t *testing.T) {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	go func() {
		b := make([]byte, 2048)
		if n, from, err := socket.ReadFrom(b); err == nil {
			_, _ = socket.WriteTo(b[:n], from)
		}
	}()
	r, err := probetest.Once(t, &udpprobe.Options{Target: socket.LocalAddr().String(), SendHex: "1b00ff", Expect: "^\x1b\x00"}, probe.Env{}, probetest.Limit)
	if err != nil || r.Outcome != report.OK {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestOptionsNameTheirFault(t *testing.T) {
	for want, o := range map[string]udpprobe.Options{
		"address: missing": {Send: "x"}, "send: want 1": {Target: "a:1"}, "expect: err": {Target: "a:1", Send: "x", Expect: "("},
		"send_hex: want": {Target: "a:1", SendHex: "0"}, "only one of send and send_hex": {Target: "a:1", SendHex: "00", Send: "x"},
		"1232 bytes": {Target: "a:1", Send: strings.Repeat("x", 1233)},
	} {
		if _, err := o.Probe(probe.Env{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
