package icmpprobe_test

import (
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/icmpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
)

// need skips a test where ICMP is forbidden, and checks that the message helps.
func need(t *testing.T) {
	t.Helper()
	_, err := (&icmpprobe.Options{Host: "127.0.0.1"}).Probe(probe.Env{})
	if err == nil {
		return
	}
	if !strings.Contains(err.Error(), "ping_group_range") || !strings.Contains(err.Error(), "CAP_NET_RAW") {
		t.Error(err)
	}
	t.Skip(err)
}

func TestPing(t *testing.T) {
	need(t)
	for _, host := range []string{"127.0.0.1", "127.0.0.9", "::1"} {
		for _, size := range []int{0, 16, 1400} {
			r, err := probetest.Once(t, &icmpprobe.Options{Host: host, Payload: size}, probe.Env{}, probetest.Limit)
			if err != nil || r.Outcome != report.OK || r.Ended() != icmpprobe.StepEcho || r.Server != host || r.Total() <= 0 {
				t.Errorf("%s with %d bytes: %+v, %v", host, size, r, err)
			}
		}
	}
}

// A reply tells how far it may travel, and a request may travel as far as wanted.
func TestHopLimits(t *testing.T) {
	need(t)
	for _, host := range []string{"127.0.0.1", "::1"} {
		f, err := (&icmpprobe.Options{Host: host, TTL: 3}).Probe(probe.Env{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := f(probe.WithDetails(t.Context()))
		if err != nil || r.Outcome != report.OK || len(r.Details) != 1 || r.Details[0].Name != "icmp_reply_hop_limit" || r.Details[0].Value != 64 {
			t.Errorf("%s: %+v, %v", host, r, err)
		}
	}
}

// Attempts at the same time do not take each other's replies.
func TestPingsAtTheSameTime(t *testing.T) {
	need(t)
	f, err := (&icmpprobe.Options{Host: "127.0.0.1"}).Probe(probe.Env{})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("all", func(t *testing.T) {
		for range 20 {
			t.Run("one", func(t *testing.T) {
				t.Parallel()
				if r, err := f(t.Context()); err != nil || r.Outcome != report.OK {
					t.Errorf("%+v, %v", r, err)
				}
			})
		}
	})
}

func TestPingTimesOut(t *testing.T) {
	need(t)
	r, err := probetest.Once(t, &icmpprobe.Options{Host: "127.0.0.1"}, probe.Env{}, 1) // nanosecond
	if err != nil || r.Outcome != report.ICMPTimedOut || r.Ended() != icmpprobe.StepEcho {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestOptionsNameTheirFault(t *testing.T) {
	for want, o := range map[string]icmpprobe.Options{
		"address: missing": {}, "payload_size: want 16": {Host: "a", Payload: 15}, "to 1400": {Host: "a", Payload: 1401}, "ttl: want 1": {Host: "a", TTL: 256},
	} {
		if _, err := o.Probe(probe.Env{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
