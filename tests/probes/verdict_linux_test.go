package probes

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/netns"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// The clients: some in each of a few networks, whose addresses are loopback's.
const (
	clientNetworks = 4
	clientsInEach  = 8
)

// clients have an agent each and request the service by a path of their own, the vantages' fourth.
func (p *paths) clients(port string) {
	p.Helper()
	policy, err := os.ReadFile(filepath.Join(p.dir, "policy"))
	if err != nil {
		p.Fatal(err)
	}
	_, service := p.to("s", 4)
	url := "http://" + net.JoinHostPort(service.String(), port)
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.Context()))
	var group sync.WaitGroup
	for i := range clientNetworks * clientsInEach {
		spool, err := diskspool.Open(filepath.Join(p.TempDir(), "spool"), diskspool.Options{})
		if err != nil {
			p.Fatal(err)
		}
		from := netip.AddrFrom4([4]byte{127, byte(101 + i%clientNetworks), 0, byte(10 + i)})
		a, err := agent.New(agent.Options{App: "shop", Policy: policy, Consent: report.Counts, Spool: spool,
			Transport: httpagent.NewTransport(httpagent.TransportOptions{LocalAddr: from})})
		if err != nil {
			p.Fatal(err)
		}
		client := &http.Client{Timeout: 2 * time.Second, Transport: httpagent.Wrap(a, &http.Transport{DisableKeepAlives: true})}
		group.Go(func() {
			for ctx.Err() == nil {
				if answer, err := client.Get(url); err == nil {
					_, _ = io.Copy(io.Discard, answer.Body)
					_ = answer.Body.Close()
				}
				select {
				case <-ctx.Done():
				case <-time.After(500 * time.Millisecond):
				}
			}
			limited, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer done()
			_ = a.Shutdown(limited) // what it keeps is nobody's concern here
		})
	}
	p.Cleanup(func() { cancel(); group.Wait() })
}

// incidents are those that the page has.
func (p *paths) incidents() (all []model.Incident) {
	p.Helper()
	all, err := p.detector.Store.Incidents(p.Context(), time.Now().Add(-time.Hour))
	if err != nil {
		p.Fatal(err)
	}
	return all
}

// judged waits until the one incident has a verdict that pages or does not, and says something.
func (p *paths) judged(when string, page bool, says string, verdicts ...model.Verdict) {
	p.Helper()
	var last []model.Incident
	limit := time.Now().Add(2 * time.Minute)
	for ; time.Now().Before(limit); time.Sleep(200 * time.Millisecond) {
		last = p.incidents()
		if len(last) == 0 || last[0].Page != page || !strings.Contains(fmt.Sprint(last[0].Evidence), says) {
			continue
		}
		if slices.Contains(verdicts, last[0].Verdict) {
			return
		}
	}
	text, _ := json.MarshalIndent(last, "", " ")
	p.Fatalf("%s: the verdict is not one of %v with %q, page %v:\n%s", when, verdicts, says, page, text)
}

// TestVerdictFollowsTheVantages: few clients fail. While one vantage alone cannot reach the
// service, or is itself cut off, that is too little to act on; when two networks' vantages cannot,
// the same clients are believed and people are alerted.
func TestVerdictFollowsTheVantages(t *testing.T) {
	if !netns.Own(t) {
		return
	}
	p := &paths{T: t, dir: filepath.Join(t.TempDir(), "d"), collector: freeAddress(t), lapse: 6}
	p.service, p.witness = p.accept(), p.accept()
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })}
	go func() { _ = server.Serve(listener) }() // it ends with Close
	t.Cleanup(func() { _ = server.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	table := ""
	for i := range clientNetworks {
		table += fmt.Sprintf("127.%[1]d.0.0\t127.%[1]d.0.255\t%[2]d\tXA\tNet\n", 101+i, 64601+i)
	}
	if err := roles.Init(p.dir, roles.InitOptions{
		Config: fmt.Appendf(nil, "networks: networks.tsv\ncollector: {listen: %q}\ndashboard: {listen: \"127.0.0.1:0\"}\noperations: {listen: \"127.0.0.1:0\"}\n"+
			"detector: {vantages: [v1, v2, v3], bin: 2s, grace: 3s, min_clients: 1000}\n", p.collector),
		Policy: fmt.Appendf(nil, "version: 1\nvalid_for: 1h\nmax_consent: counts\nsuccess_fraction: 1\nwindow: 1s\nsamples_per_window: 1\nrefresh: 1h\n"+
			"bytes_per_day: 100000000\nseal_key: keys/seal.pem\nsigners: [keys/policy.pub.pem]\ncollectors: [{id: c1, url: \"http://%s\", priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}]\n", p.collector),
	}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "networks.tsv"), []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	p.detector = p.start(roles.ConfigName, "", roles.Roles{Collector: true, Detector: true})
	p.lay("s", 4)
	p.clients(port)
	for v := 1; v <= 3; v++ {
		p.lay("s", v)
		p.lay("w", v)
		p.prober(v)
	}
	// the first results wait for 30 s
	for end := time.Now().Add(32 * time.Second); time.Now().Before(end); time.Sleep(time.Second) {
		if all := p.incidents(); len(all) > 0 {
			t.Fatalf("while all is well: %+v", all)
		}
	}

	p.becomes("all reach it", "up", "up")
	p.cut("w", 1) // the uplink of a vantage
	p.cut("s", 1)
	p.cut("s", 4) // and the clients' path
	p.judged("a vantage is cut off", false, "", model.TooThin)
	p.lay("w", 1) // now it is sure of itself
	p.becomes("one does not reach it", "up", "local")
	p.judged("one vantage does not reach it", false, "", model.TooThin)
	p.cut("s", 2)
	p.becomes("two do not reach it", "down", "global")
	p.judged("two vantages do not reach it", true, "vantages elsewhere find servers down", model.ServiceDown, model.ServerGroup)
}
