package prober

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// A failure that an attempt at once does not confirm is none, even if one suffices.
func TestLostPacketIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		p, stop := run(t, Options{Interval: 10 * time.Second, DownAfter: 1, Targets: []Target{{Name: "a", Spec: probe.Custom{
			Func: func(context.Context) (probe.Result, error) {
				if attempts++; attempts%2 == 0 {
					return probe.Result{Outcome: report.TCPTimedOut}, nil
				}
				return probe.Result{Outcome: report.OK}, nil
			}}}}})
		after(time.Minute + time.Second)
		stop()
		if state := stateOf(p, 0); state != heatmap.Up || p.Map().Snapshot().Version != 1 || attempts != 13 {
			t.Errorf("%v after %d changes and %d attempts", state, p.Map().Snapshot().Version, attempts)
		}
	})
}

// Failures of the time when the witnesses did not answer must not add up with later ones.
func TestWitnessesAreAskedBeforeAFailureCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, targets := fakes(1)
		witnesses, witnessTargets := fakes(1)
		p, stop := run(t, Options{Targets: targets, Witnesses: witnessTargets, Interval: 10 * time.Second, RetryInterval: 5 * time.Second, DownAfter: 2})
		defer stop()
		after(time.Second)
		all[0].becomes(report.TCPTimedOut)
		witnesses[0].becomes(report.TCPTimedOut)
		after(10 * time.Second) // fails at 10, and so does the witness
		witnesses[0].becomes(report.OK)
		after(10 * time.Second) // fails at 20, and at once again: the first that counts
		if got := stateOf(p, 0); got != heatmap.Up {
			t.Errorf("%v", got)
		}
		after(5 * time.Second) // at 25
		if got := stateOf(p, 0); got != heatmap.Down {
			t.Errorf("%v", got)
		}
	})
}

func TestMissingFamilyIsTheVantagesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := func(o report.Outcome, server string) Target {
			return Target{Name: server, Spec: probe.Custom{Func: func(context.Context) (probe.Result, error) {
				return probe.Result{Outcome: o, Server: server}, nil
			}}}
		}
		far := func(server string) Target { return over(report.TCPAddressUnreachable, server) }
		p, err := New(Options{Targets: []Target{far("192.0.2.1:443"), far("[2001:db8::1]:443"), far("[fe80::1]:443"), far("127.0.0.1:443"),
			over(report.UDPAddressUnreachable, "[2001:db8::2]:53"), over(report.UDPAddressUnreachable, "192.0.2.2:53"),
			over(report.ICMPAddressUnreachable, "2001:db8::3"), over(report.ICMPAddressUnreachable, "192.0.2.3")}, Interval: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		p.uplink.addresses = func() ([]net.Addr, error) {
			return []net.Addr{&net.IPNet{IP: net.IPv4(127, 0, 0, 1)}, &net.IPNet{IP: net.ParseIP("::1")}, &net.IPNet{IP: net.ParseIP("fe80::2")}, &net.IPNet{IP: net.IPv4(198, 51, 100, 7)}}, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := p.Run(ctx); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]heatmap.State{
			"192.0.2.1:443": heatmap.Down, "[2001:db8::1]:443": heatmap.Unknown, "[fe80::1]:443": heatmap.Down, "127.0.0.1:443": heatmap.Down,
			"192.0.2.2:53": heatmap.Down, "[2001:db8::2]:53": heatmap.Unknown, "192.0.2.3": heatmap.Down, "2001:db8::3": heatmap.Unknown,
		} {
			if got := state(t, p, name); got != want {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
	})
}

func TestUplinkOfThisMachine(t *testing.T) {
	all, err := addressesUp()
	if err != nil || len(all) == 0 {
		t.Errorf("%v, %v", all, err)
	}
	u := uplink{addresses: func() ([]net.Addr, error) { return nil, errors.New("forbidden") }}
	if !u.has(true) || !u.has(false) {
		t.Error("a machine that cannot tell is blamed")
	}
}

// With a clock that is off, certificates seem to be out of date. What servers say of the time
// tells so.
func TestWrongClockIsTheVantagesOwn(t *testing.T) {
	for off, want := range map[time.Duration]heatmap.State{0: heatmap.Down, 30 * time.Second: heatmap.Down, -26 * time.Hour: heatmap.Unknown} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			tell := func(off time.Duration, server string) Target {
				return Target{Name: server, Spec: probe.Custom{Func: func(context.Context) (probe.Result, error) {
					return probe.Result{Outcome: report.OK, Started: time.Now(), Date: time.Now().Add(-off).Truncate(time.Second), Server: server}, nil
				}}}
			}
			expired := Target{Name: "expired", Spec: probe.Custom{Func: func(context.Context) (probe.Result, error) {
				return probe.Result{Outcome: report.TLSCertDateInvalid, Server: "192.0.2.9:443"}, nil
			}}}
			targets := []Target{expired, tell(400*24*time.Hour, "wrong")}
			for i := range 40 {
				targets = append(targets, tell(off, fmt.Sprint(i)))
			}
			o := Options{Targets: targets, Interval: 10 * time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil))}
			p, stop := run(t, o)
			after(40 * time.Second)
			stop()
			if got := state(t, p, "expired"); got != want {
				t.Errorf("off by %v: %v, want %v", off, got, want)
			}
			if told := strings.Contains(log.String(), "clock is off"); told != (off < -time.Minute) || len(p.clock.told) != clockServers {
				t.Errorf("off by %v: %d servers told the time, log %s", off, len(p.clock.told), &log)
			}
		})
	}
}
