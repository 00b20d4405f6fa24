package agenttest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

const target = "https://shop.example"

var (
	refused = agent.Observation{Scheme: "https", Host: "shop.example", Outcome: report.TCPRefused, URL: target + "/cart?card=1", Method: "GET"}
	fine    = agent.Observation{Scheme: "https", Host: "shop.example", Outcome: report.OK, Protocol: "h2", Status: 200}
)

func TestWhatArrivesIsSeen(t *testing.T) {
	op := agenttest.For(t)
	a := op.Start(t, report.Diagnostics)
	a.Observe(fine)
	a.Observe(fine)
	if err := a.Flush(t.Context()); err != nil { // a window without a failure is sent, too
		t.Fatal(err)
	}
	a.Observe(refused)
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := op.Seen()
	if s.Count(target, report.OK) != 2 || s.Count(target, report.TCPRefused) != 1 || s.Count("", "") != 3 || s.Count("https://other.example", "") != 0 {
		t.Errorf("windows %+v", s.Windows)
	}
	if len(s.Samples) != 1 || s.Samples[0].URL != target+"/cart" || len(s.Headers) != 2 || s.Headers[0].Consent != report.Diagnostics ||
		// the second segment lists the receipt for the first
		len(s.Records) != len(s.Headers)+len(s.Windows)+len(s.Samples)+1 {
		t.Errorf("seen %+v", s)
	}
	if u := op.Uploads(); len(u) != 2 || u[0].Bytes == 0 || len(u[0].Delivery.Path) != 0 {
		t.Errorf("uploads %+v", u)
	}
	op.Forget()
	if s := op.Seen(); len(s.Records) != 0 || len(op.Uploads()) != 0 {
		t.Errorf("after Forget: %+v", s)
	}
}

// TestTroubles: in each the agent keeps what it has, and everything is there once when the
// trouble is over.
func TestTroubles(t *testing.T) {
	for name, trouble := range map[string]func(*agenttest.Operator){
		"unreachable":    (*agenttest.Operator).Unreachable,
		"lost receipts":  (*agenttest.Operator).LoseReceipts,
		"captive portal": (*agenttest.Operator).CaptivePortal,
		"slow down":      func(op *agenttest.Operator) { op.SlowDown(10 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				op := agenttest.For(t)
				trouble(op)
				a := op.Start(t, report.Counts)
				a.Observe(refused)
				time.Sleep(5 * time.Minute)
				if s := a.Stats(); s.Pending != 1 || s.Delivered != 0 {
					t.Errorf("during the trouble: %+v", s)
				}
				op.Accept()
				time.Sleep(time.Hour)
				if n := op.Seen().Count(target, report.TCPRefused); n != 1 || a.Stats().Pending != 0 {
					t.Errorf("%d failures arrived, %+v", n, a.Stats())
				}
				u := op.Uploads()
				if len(u) < 2 || len(u[len(u)-1].Delivery.Path) != min(len(u)-1, report.MaxPath) {
					t.Errorf("uploads %+v", u)
				}
				if name == "slow down" && u[1].At.Sub(u[0].At) < 10*time.Minute {
					t.Errorf("came again after %v", u[1].At.Sub(u[0].At))
				}
			})
		})
	}
}

// TestFailover: each collector has its own good and bad days, and its own key.
func TestFailover(t *testing.T) {
	for _, listens := range []bool{false, true} {
		op := agenttest.For(t)
		second, err := op.AddCollector()
		if err != nil {
			t.Fatal(err)
		}
		o := op.Options(report.Counts)
		if listens {
			if _, err := op.Listen(); err != nil {
				t.Fatal(err)
			}
			o.Policy, o.Transport = op.Policy(), httpagent.NewTransport(httpagent.TransportOptions{})
		}
		op.Collector("c1").CaptivePortal()
		a, err := agent.New(o)
		if err != nil {
			t.Fatal(err)
		}
		a.Observe(refused)
		if err := a.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		u := op.Uploads()
		if len(u) != 2 || u[0].Collector != "c1" || u[1].Collector != second.ID || len(u[1].Delivery.Path) != 1 {
			t.Errorf("uploads %+v, want one to each", u)
		}
		if n := op.Seen().Count("", report.TCPRefused); n != 1 {
			t.Errorf("%d failures arrived", n)
		}
	}
}

func TestRefusalIsTold(t *testing.T) {
	op := agenttest.For(t)
	a := op.Start(t, report.Counts)
	op.Refuse(receipt.ReasonMalformed)
	a.Observe(refused)
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	op.Accept()
	a.Observe(refused)
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := op.Seen()
	if s.Count("", "") != 1 || s.Drops()[report.DropRefused] != 1 {
		t.Errorf("seen %+v", s)
	}
}

// TestSpoolIsShared: what one agent leaves the next delivers, and consent withdrawn empties it.
func TestSpoolIsShared(t *testing.T) {
	op := agenttest.For(t)
	op.Unreachable()
	o := op.Options(report.Counts)
	spool := o.Spool.(*agenttest.Spool)
	one, err := agent.New(o)
	if err != nil {
		t.Fatal(err)
	}
	one.Observe(refused)
	if _, ok := errors.AsType[*agent.RemainError](one.Shutdown(t.Context())); !ok {
		t.Error("nothing remains")
	}
	op.Accept()
	two, err := agent.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := two.Flush(t.Context()); err != nil || op.Seen().Count("", report.TCPRefused) != 1 {
		t.Errorf("%v, seen %+v", err, op.Seen())
	}
	spool.Fill(true)
	two.Observe(refused)
	_ = two.Flush(t.Context())
	if d := two.Stats().Dropped; d[report.DropSpoolFull] != 1 {
		t.Errorf("dropped %v", d)
	}
	two.SetConsent(report.Off)
	if err := two.Flush(t.Context()); err != nil || len(op.Seen().Notices) != 1 {
		t.Errorf("%v, notices %+v, want one: something had been sent", err, op.Seen().Notices)
	}
	if n, size := spool.Usage(); n != 0 || size != 0 {
		t.Errorf("%d segments of %d bytes stay", n, size)
	}
	if err := two.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPolicyIsFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := agenttest.For(t)
		a := op.Start(t, report.Counts)
		if err := op.ChangePolicy(func(p *policy.Policy) { p.Disabled = true }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		if s := a.Stats(); s.PolicyVersion != 2 || s.Consent != report.Off {
			t.Errorf("stats %+v", s)
		}
		if err := op.ChangePolicy(func(p *policy.Policy) { p.WindowMS = 1 }); err == nil {
			t.Error("a bad policy was signed")
		}
	})
}

// TestListen goes the whole way over loopback, in good and in bad times.
func TestListen(t *testing.T) {
	op := agenttest.For(t)
	url, err := op.Listen()
	if err != nil {
		t.Fatal(err)
	}
	o := op.Options(report.Counts)
	o.Transport = httpagent.NewTransport(httpagent.TransportOptions{})
	a, err := agent.New(o)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: httpagent.Wrap(a, nil)}
	resp, err := client.Get(url + "/nothing")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	op.Unreachable()
	if err := a.Flush(t.Context()); err == nil {
		t.Error("an unreachable collector took it")
	}
	op.Accept()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for a.Flush(ctx) != nil && ctx.Err() == nil { // it waits up to a second after a failure
		time.Sleep(50 * time.Millisecond)
	}
	if err := a.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if n := op.Seen().Count(url, report.HTTPError); n != 1 {
		t.Errorf("%d errors arrived, want 1; %+v", n, op.Seen().Windows)
	}
}
