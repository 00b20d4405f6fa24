package prober

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
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
			judged := make(chan error, 1000)
			p, stop := run(t, Options{
				Targets:   []Target{{Name: "shop", Spec: &tcpprobe.Options{Target: "shop.example.:443"}}},
				Witnesses: []Target{{Spec: &tcpprobe.Options{Target: witness}}},
				Env:       asking(probetest.NameServer(t, c.says)), Timeout: 100 * time.Millisecond, Interval: time.Second, DownAfter: 1,
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

// A name server that answers every question with SERVFAIL says nothing about a target, if it could
// answer before. If it answers other questions, or never could, the target's name is at fault.
func TestResolverThatFailsAtEverything(t *testing.T) {
	at, _ := probetest.Serve(t, probetest.Nothing)
	_, port, _ := net.SplitHostPort(at)
	for name, c := range map[string]struct {
		could, fails func(q *dns.Msg) bool
		own          bool
	}{
		"at everything":     {could: always, fails: always, own: true},
		"at the name":       {could: always, fails: isAddress},
		"always at another": {could: isAddress, fails: always},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var failing atomic.Bool
			server := probetest.NameServer(t, func(q *dns.Msg) *dns.Msg {
				if failing.Load() && c.fails(q) || !c.could(q) {
					return new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
				}
				return found(q)
			})
			p, err := New(Options{
				Targets:   []Target{{Name: "shop", Spec: &tcpprobe.Options{Target: net.JoinHostPort("shop.example.", port)}}},
				Witnesses: []Target{{Spec: &tcpprobe.Options{Target: at}}}, Env: asking(server),
			})
			if err != nil {
				t.Fatal(err)
			}
			shop := p.all[0]
			if p.attempt(t.Context(), shop); shop.err != nil || shop.result.Outcome != report.OK {
				t.Fatalf("%v, %v before it fails", shop.result.Outcome, shop.err)
			}
			failing.Store(true)
			p.names.vantage.asked = time.Time{} // as if some time had passed
			if p.attempt(t.Context(), shop); shop.result.Outcome != report.DNSFailed {
				t.Errorf("%v, want %v", shop.result.Outcome, report.DNSFailed)
			}
			if own := errors.Is(shop.err, ErrInconclusive) && strings.Contains(shop.err.Error(), "no name server of this machine answers"); own != c.own {
				t.Errorf("%v, want a doubt: %v", shop.err, c.own)
			}
		})
	}
}

func always(*dns.Msg) bool { return true }

func isAddress(q *dns.Msg) bool { return q.Question[0].Qtype != dns.TypeNS }

// found answers a question for name servers with one, and every other with the loopback's address.
func found(q *dns.Msg) *dns.Msg {
	answer, about := new(dns.Msg).SetReply(q), dns.RR_Header{Name: q.Question[0].Name, Rrtype: q.Question[0].Qtype, Class: dns.ClassINET}
	switch about.Rrtype {
	case dns.TypeNS:
		answer.Answer = []dns.RR{&dns.NS{Hdr: about, Ns: "a.root."}}
	case dns.TypeA:
		answer.Answer = []dns.RR{&dns.A{Hdr: about, A: net.IPv4(127, 0, 0, 1)}}
	}
	return answer
}

// asking returns an environment in which names are looked up at a name server.
func asking(server string) probe.Env {
	return probe.Env{Dialer: &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, server)
	}}}}
}
