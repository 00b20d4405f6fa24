package prober

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
	"github.com/heliograph-net/heliograph/report"
)

// A prober whose own name servers are dead says nothing about its targets. A target that is a name
// server itself fails in a later step, and that counts.
func TestOwnResolverIsNotTheTargets(t *testing.T) {
	for step, want := range map[string]heatmap.State{probe.StepDNS: heatmap.Unknown, "query": heatmap.Down} {
		synctest.Test(t, func(t *testing.T) {
			unreachable := func(context.Context) (probe.Result, error) {
				return probe.Result{Outcome: report.DNSUnreachable, Steps: []probe.Step{{Name: step, Duration: time.Millisecond}}}, nil
			}
			var last error
			p, stop := run(t, Options{
				Targets: []Target{{Name: "shop", Spec: probe.Custom{Func: unreachable}}}, Interval: time.Second, DownAfter: 2,
				OnResult: func(_ Target, _ probe.Result, err error) { last = err },
			})
			after(10 * time.Second)
			stop()
			if got := stateOf(p, 0); got != want {
				t.Errorf("in step %s: %v, want %v", step, got, want)
			}
			if own := errors.Is(last, ErrInconclusive) && strings.Contains(last.Error(), "name server of this machine"); own != (want == heatmap.Unknown) {
				t.Errorf("in step %s: %v", step, last)
			}
		})
	}
}

// A name that cannot be looked up in time is the target's trouble if this machine's name server
// answers something, and otherwise the vantage's, although its witness is alive.
func TestDeadResolverWithALiveWitness(t *testing.T) {
	witness, _ := probetest.Serve(t, probetest.Nothing)
	for name, c := range map[string]struct {
		says func(q *dns.Msg) *dns.Msg
		want heatmap.State
	}{
		"silent":             {func(*dns.Msg) *dns.Msg { return nil }, heatmap.Unknown},
		"silent of the name": {func(q *dns.Msg) *dns.Msg { return unless(q, "shop.example.", new(dns.Msg).SetReply(q)) }, heatmap.Down},
		"refuses the rest": {func(q *dns.Msg) *dns.Msg {
			return unless(q, "shop.example.", new(dns.Msg).SetRcode(q, dns.RcodeRefused))
		}, heatmap.Down},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := probetest.NameServer(t, c.says)
			dialer := &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, network, server)
			}}}
			judged := make(chan error, 1000)
			p, stop := run(t, Options{
				Targets:   []Target{{Name: "shop", Spec: &tcpprobe.Options{Target: "shop.example.:443"}}},
				Witnesses: []Target{{Spec: &tcpprobe.Options{Target: witness}}},
				Env:       probe.Env{Dialer: dialer}, Timeout: 100 * time.Millisecond, Interval: time.Second, DownAfter: 1,
				OnResult: func(_ Target, _ probe.Result, err error) { judged <- err },
			})
			defer stop()
			err := <-judged
			if own := errors.Is(err, ErrInconclusive) && strings.Contains(err.Error(), "no name server of this machine answers"); own != (c.want == heatmap.Unknown) {
				t.Errorf("the first attempt: %v", err)
			}
			for deadline := time.After(time.Minute); stateOf(p, 0) != c.want; {
				select {
				case <-judged:
				case <-deadline:
					t.Fatalf("%v, want %v", stateOf(p, 0), c.want)
				}
			}
		})
	}
}

// unless returns the answer to a question, and nothing for one name.
func unless(q *dns.Msg, name string, answer *dns.Msg) *dns.Msg {
	if q.Question[0].Name == name {
		return nil
	}
	return answer
}
