package system

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/internal/netns"
	"github.com/heliograph-net/heliograph/report"
)

// The two collectors' networks; ".1" is this side.
var (
	firstHere, first   = netip.MustParseAddr("192.168.91.1"), netip.MustParseAddr("192.168.91.2")
	secondHere, second = netip.MustParseAddr("192.168.92.1"), netip.MustParseAddr("192.168.92.2")
)

// cutOff is a site with two collectors, each a host of its own at the end of a cable, a detector
// and agents on this side.
type cutOff struct {
	*site
	first, second *host
	ca            *devca.CA
	agents        []*agent.Agent
	observed      sync.Map     // target → nothing: failed requests, each to a target of its own
	requests      atomic.Int64 // how many there are
}

// TestCollectorCutOffInMidFlow: the preferred collector goes silent, comes back, becomes
// unreachable and comes back, while agents upload. They turn to the other one, and every failure
// that they saw is in the detector's store exactly once.
func TestCollectorCutOffInMidFlow(t *testing.T) {
	if !netns.Own(t, binaryEnv+"="+binary) {
		return
	}
	c := newCutOff(t)
	c.startAgents(4)
	stop := c.observe()
	c.deliveries("the first collector takes reports", "c1", 5, 0)
	for _, cut := range []struct {
		how string
		do  func(bool) error
	}{{"silent", c.first.silence}, {"unreachable", c.first.pull}} {
		taken, _, err := c.delivered("c2")
		if err != nil {
			t.Fatal(err)
		}
		if err := cut.do(true); err != nil {
			t.Fatalf("making the first collector %s: %v", cut.how, err)
		}
		c.deliveries("with the first collector "+cut.how+", the second takes reports", "c2", taken+5, 0)
		if err := cut.do(false); err != nil {
			t.Fatalf("ending that the first collector is %s: %v", cut.how, err)
		}
		c.within(time.Minute, "the first collector to answer again", func() error { return dial(first) })
	}
	stop()
	c.shutDownAgents()
	c.within(time.Minute, "every failure once", c.allOnce)
	c.deliveries("the store knows that the first collector failed", "c1", 5, 1)
}

func newCutOff(t *testing.T) *cutOff {
	c := &cutOff{site: &site{t: t, binary: binary, dir: filepath.Join(t.TempDir(), "d"), dashboard: "127.0.0.1:8418", oper: "127.0.0.1:8419"}}
	var err error
	if c.ca, err = devca.New("test"); err != nil {
		t.Fatal(err)
	}
	policy := fmt.Sprintf(`seal_key: keys/seal.pem
signers: [keys/policy.pub.pem]
collectors:
  - {id: c1, url: "https://%s:8417", priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}
  - {id: c2, url: "https://%s:8417", priority: 2, weight: 1, receipt_key: keys/receipt.pub.pem}
`, first, second)
	config := fmt.Sprintf(`detector:
  feeds: [{id: c1, url: "https://%s:8417"}, {id: c2, url: "https://%s:8417"}]
  feed_ca: ca.pem
dashboard: {least_clients: 1}
`, first, second)
	if err := roles.Init(c.dir, roles.InitOptions{Config: []byte(config), Policy: []byte(policy)}); err != nil {
		t.Fatal(err)
	}
	c.write("ca.pem", c.ca.PEM())
	c.first, c.second = c.startCollector("c1", firstHere, first), c.startCollector("c2", secondHere, second)
	for _, addr := range []netip.Addr{first, second} {
		c.eventually("a collector to listen", func() error { return dial(addr) })
	}
	c.start("detector", "--config", c.config())
	return c
}

func (c *cutOff) write(name string, b []byte) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), b, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cutOff) startCollector(id string, here, addr netip.Addr) *host {
	c.t.Helper()
	cert, err := c.ca.Issue(time.Now().Add(time.Hour), addr.String())
	if err != nil {
		c.t.Fatal(err)
	}
	certPEM, keyPEM, err := devca.EncodePEM(cert)
	if err != nil {
		c.t.Fatal(err)
	}
	c.write(id+".crt", certPEM)
	c.write(id+".key", keyPEM)
	c.write(id+".yaml", fmt.Appendf(nil, "collector: {id: %s, listen: \"%s:8417\", tls_cert: %[1]s.crt, tls_key: %[1]s.key, inbox: %[1]s.db}\n", id, addr))
	return startHost(c.t, id, here, addr, "collector", "--until-eof", "--config", filepath.Join(c.dir, id+".yaml"))
}

func dial(addr netip.Addr) error {
	conn, err := net.DialTimeout("tcp", netip.AddrPortFrom(addr, 8417).String(), time.Second)
	if err == nil {
		conn.Close()
	}
	return err
}

func (c *cutOff) startAgents(n int) {
	c.t.Helper()
	policy, err := os.ReadFile(c.policy())
	if err != nil {
		c.t.Fatal(err)
	}
	for range n {
		spool, err := diskspool.Open(filepath.Join(c.t.TempDir(), "spool"), diskspool.Options{})
		if err != nil {
			c.t.Fatal(err)
		}
		a, err := agent.New(agent.Options{App: "shop", Policy: policy, Consent: report.Counts, Spool: spool,
			Transport: httpagent.NewTransport(httpagent.TransportOptions{RootCAs: c.ca.Pool()})})
		if err != nil {
			c.t.Fatal(err)
		}
		c.agents = append(c.agents, a)
	}
}

// observe lets every agent see a request fail and make a report of it, again and again, until it
// is stopped.
func (c *cutOff) observe() (stop func()) {
	ctx, cancel := context.WithCancel(c.t.Context())
	var wg sync.WaitGroup
	for i, a := range c.agents {
		client := &http.Client{Transport: httpagent.Wrap(a, http.DefaultTransport)}
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				// nobody listens on any of them
				target := fmt.Sprintf("http://127.%d.%d.%d:9", i+1, n/250, n%250+1)
				if resp, err := client.Get(target); err == nil {
					resp.Body.Close()
					c.t.Errorf("%s answers", target)
				}
				c.observed.Store(target, nil)
				c.requests.Add(1)
				wait, done := context.WithTimeout(ctx, 200*time.Millisecond)
				// makes it a segment; whether it arrives by then is the test's business
				_ = a.Flush(wait)
				<-wait.Done()
				done()
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}

func (c *cutOff) shutDownAgents() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	for _, a := range c.agents {
		if err := a.Shutdown(ctx); err != nil {
			c.t.Errorf("an agent keeps reports: %v", err)
		}
	}
}

// delivered is how many reports a collector took, and how often it failed, as the page shows it:
// from the ways of the reports themselves.
func (c *cutOff) delivered(collector string) (taken, failed float64, err error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.dashboard+"/api/v1/stream", nil)
	if err != nil {
		return 0, 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		// of the first event, which is a snapshot of everything
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var view struct{ Totals struct{ Collectors []total } }
		if err := json.Unmarshal([]byte(data), &view); err != nil {
			return 0, 0, err
		}
		for _, t := range view.Totals.Collectors {
			if t.Target == "collector:"+collector {
				taken, failed = taken+t.OK, failed+t.Failed
			}
		}
		return taken, failed, nil
	}
	return 0, 0, fmt.Errorf("the stream ended without a snapshot: %w", lines.Err())
}

type total struct {
	Target     string
	OK, Failed float64
}

// step logs how long something took.
func (c *cutOff) step(what string, began time.Time) {
	c.t.Logf("%s: %v", what, time.Since(began).Round(time.Millisecond))
}

func (c *cutOff) deliveries(what, collector string, taken, failed float64) {
	c.t.Helper()
	defer c.step(what, time.Now())
	c.within(time.Minute, what, func() error {
		ok, bad, err := c.delivered(collector)
		if err == nil && (ok < taken || bad < failed) {
			err = fmt.Errorf("%s took %v and failed %v times, want %v and %v", collector, ok, bad, taken, failed)
		}
		return err
	})
}

// allOnce compares what the agents saw with what the store has.
func (c *cutOff) allOnce() error {
	b, err := c.get("http://" + c.dashboard + "/api/v1/totals?since=15m&by=target&limit=10000")
	if err != nil {
		return err
	}
	var rows []total
	if err := json.Unmarshal(b, &rows); err != nil {
		return err
	}
	seen := int64(0)
	for _, row := range rows {
		if _, ok := c.observed.Load(row.Target); !ok {
			return fmt.Errorf("nobody saw %s", row.Target)
		}
		if row.Failed != 1 {
			return fmt.Errorf("%s failed once, the store has it %v times", row.Target, row.Failed)
		}
		seen++
	}
	if want := c.requests.Load(); seen != want {
		return fmt.Errorf("the store has %d of %d failures", seen, want)
	}
	return nil
}
