package tcpprobe_test

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
	"github.com/heliograph-net/heliograph/report"
)

func TestProbeOfTCP(t *testing.T) {
	address, _ := probetest.Serve(t, probetest.Nothing)
	result, err := probetest.Once(t, &tcpprobe.Options{Target: address}, probe.Env{}, probetest.Limit)
	if err != nil || result.Outcome != report.OK || result.Ended() != conn.StepConnect || result.Server != address {
		t.Errorf("%+v, %v", result, err)
	}
	if result.Total() != result.Step(conn.StepConnect) || result.Started.IsZero() {
		t.Errorf("steps %+v from %v", result.Steps, result.Started)
	}
}

func TestProbeOfClosedPort(t *testing.T) {
	address := probetest.ClosedPort(t)
	result, err := probetest.Once(t, &tcpprobe.Options{Target: address}, probe.Env{}, probetest.Limit)
	if err != nil || result.Outcome != report.TCPRefused || result.Ended() != conn.StepConnect || result.Server != address {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestProbeOfSilentHost(t *testing.T) {
	address := probetest.SilentHost(t)
	result, err := probetest.Once(t, &tcpprobe.Options{Target: address}, probe.Env{}, probetest.Soon)
	if err != nil || result.Outcome != report.TCPTimedOut || result.Ended() != conn.StepConnect {
		t.Errorf("%+v, %v", result, err)
	}
}

// What is the prober's own trouble says nothing of the target.
func TestLocalTroubleIsNoResult(t *testing.T) {
	address, _ := probetest.Serve(t, probetest.Nothing)
	foreign := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}}
	if result, err := probetest.Once(t, &tcpprobe.Options{Target: address}, probe.Env{Dialer: foreign}, probetest.Limit); err == nil {
		t.Errorf("a source address that is not ours gives %+v", result)
	}
	// no descriptors left, no such family here
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.EAFNOSUPPORT} {
		poor := &net.Dialer{Control: func(string, string, syscall.RawConn) error { return errno }}
		if result, err := probetest.Once(t, &tcpprobe.Options{Target: address}, probe.Env{Dialer: poor}, probetest.Limit); !errors.Is(err, errno) {
			t.Errorf("%v gives %+v, %v", errno, result, err)
		}
	}
}

func TestOptionsNameTheirFault(t *testing.T) {
	for address, want := range map[string]string{
		"": "address: missing", "192.0.2.1": "host:port", ":1": "host:port", "192.0.2.1:0": "port of 1", "192.0.2.1:http": "port of 1",
	} {
		if _, err := (&tcpprobe.Options{Target: address}).Probe(probe.Env{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", address, err, want)
		}
	}
}
