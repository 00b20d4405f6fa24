package probetest_test

import (
	"testing"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
	"github.com/heliograph-net/heliograph/report"
)

// A test of a kind of probe, here of tcpprobe, against a port at which nobody listens and a server
// that resets connections.
func Example() {
	_ = func(t *testing.T) { // func TestFaultsOfTheServer(t *testing.T)
		address, _ := probetest.Serve(t, probetest.Reset)
		for _, c := range []struct {
			target string
			want   report.Outcome
		}{
			{probetest.ClosedPort(t), report.TCPRefused},
			{address, report.TCPReset},
		} {
			spec := &tcpprobe.Options{Target: c.target, Dialogue: []tcpprobe.Turn{{Expect: "hello"}}}
			result, err := probetest.Once(t, spec, probe.Env{}, probetest.Limit)
			if err != nil || result.Outcome != c.want {
				t.Errorf("%s: outcome %s, %v; want %s", c.target, result.Outcome, err, c.want)
			}
		}
	}
	// Output:
}
