package probes

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/netns"
)

// paths are three vantages' ways to one service and to a witness, in a network namespace: each
// vantage has addresses of its own for both, which can be taken away.
type paths struct {
	*testing.T
	dir              string
	service, witness string // ports
	detector         *roles.Process
	collector        string
	lapse            int // see roles.DetectorConfig; 0 means 1
}

func (p *paths) to(what string, vantage int) (alias string, addr netip.Addr) {
	net := map[string]byte{"s": 10, "w": 20}[what]
	return fmt.Sprintf("lo:%s%d", what, vantage), netip.AddrFrom4([4]byte{192, 168, net + byte(vantage), 2})
}

// lay makes a path, and cut takes it away.
func (p *paths) lay(what string, vantage int) {
	p.Helper()
	alias, addr := p.to(what, vantage)
	if err := netns.SetAddress(alias, addr); err != nil {
		p.Fatal(err)
	}
}

func (p *paths) cut(what string, vantage int) {
	p.Helper()
	alias, _ := p.to(what, vantage)
	if err := netns.SetUp(alias, false); err != nil {
		p.Fatal(err)
	}
}

// accept accepts connections until the test ends, and returns the port.
func (p *paths) accept() string {
	p.Helper()
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		p.Fatal(err)
	}
	return port
}

// start runs roles with a configuration until the test ends.
func (p *paths) start(name, config string, r roles.Roles) *roles.Process {
	p.Helper()
	path := filepath.Join(p.dir, name)
	if config != "" {
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			p.Fatal(err)
		}
	}
	c, err := roles.Load(path)
	if err != nil {
		p.Fatal(err)
	}
	c.Detector.Lapse = p.lapse
	process, err := roles.New(p.Context(), roles.Options{Config: c, Roles: r, Logger: slog.New(slog.NewTextHandler(p.Output(), nil))})
	if err != nil {
		p.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.Context()))
	ended := make(chan error, 1)
	go func() { ended <- process.Run(ctx) }()
	p.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			p.Error(err)
		}
	})
	return process
}

// get returns what a URL answers.
func (p *paths) get(url string) string {
	p.Helper()
	resp, err := http.Get(url)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.Fatal(err)
	}
	return string(body)
}

// seen is what the detector says: the server's state on its map, and for whom it is down.
func (p *paths) seen() (state, reach string) {
	var answer struct {
		Servers []struct{ State string }
	}
	if err := json.Unmarshal([]byte(p.get("http://"+p.detector.DashboardAddr+"/api/v1/servers")), &answer); err != nil {
		p.Fatal(err)
	}
	if len(answer.Servers) == 1 {
		state = answer.Servers[0].State
	}
	for line := range strings.Lines(p.get("http://" + p.detector.OperationsAddr + "/metrics")) {
		rest, ok := strings.CutPrefix(line, `heliograph_detector_servers{reach="`)
		if name, n, _ := strings.Cut(rest, `"}`); ok && strings.TrimSpace(n) == "1" {
			reach = name
		}
	}
	return state, reach
}

func (p *paths) becomes(when, state, reach string) {
	p.Helper()
	until(p.T, when+": "+state+", "+reach, func() bool {
		s, r := p.seen()
		return s == state && r == reach
	})
}

// prober starts the prober of a vantage.
func (p *paths) prober(v int) *roles.Process {
	p.Helper()
	_, service := p.to("s", v)
	_, witness := p.to("w", v)
	return p.start(fmt.Sprintf("v%d.yaml", v), fmt.Sprintf(`dashboard: {listen: "127.0.0.1:0"}
operations: {listen: "127.0.0.1:0"}
prober:
  vantage: v%[1]d
  vantage_asn: %[2]d
  policy: policy
  spool: spool-v%[1]d
  interval: 300ms
  failures: 2
  witnesses: ["%[3]s:%[4]s"]
  targets: [{name: shop, tcp: "%[5]s:%[6]s"}]
`, v, 64500+v, witness, p.witness, service, p.service), roles.Roles{Prober: true})
}

// TestVantages: three vantages in three autonomous systems probe one service, each by a path of its
// own. A vantage that is cut off alarms nobody; a service that one of them cannot reach is down for
// some, and one that two cannot reach is down for all.
func TestVantages(t *testing.T) {
	if !netns.Own(t) {
		return
	}
	p := &paths{T: t, dir: filepath.Join(t.TempDir(), "d"), collector: freeAddress(t)}
	p.service, p.witness = p.accept(), p.accept()
	if err := roles.Init(p.dir, roles.InitOptions{
		Config: fmt.Appendf(nil, "collector: {listen: %q}\ndashboard: {listen: \"127.0.0.1:0\"}\noperations: {listen: \"127.0.0.1:0\"}\ndetector: {vantages: [v1, v2, v3]}\n", p.collector),
		Policy: fmt.Appendf(nil, "version: 1\nvalid_for: 1h\nmax_consent: counts\nsuccess_fraction: 0.05\nwindow: 1s\nsamples_per_window: 1\nrefresh: 1h\n"+
			"bytes_per_day: 1\nseal_key: keys/seal.pem\nsigners: [keys/policy.pub.pem]\ncollectors: [{id: c1, url: \"http://%s\", priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}]\n", p.collector),
	}); err != nil {
		t.Fatal(err)
	}
	p.detector = p.start(roles.ConfigName, "", roles.Roles{Collector: true, Detector: true})
	var probers [4]*roles.Process
	for v := 1; v <= 3; v++ {
		p.lay("s", v)
		p.lay("w", v)
		probers[v] = p.prober(v)
	}
	// the first results wait for half a minute, unless they say that something is down
	p.cut("s", 1)
	p.cut("s", 2)
	p.cut("s", 3)
	p.becomes("nobody reaches it", "down", "global")
	for v := 1; v <= 3; v++ {
		p.lay("s", v)
	}
	p.becomes("all reach it", "up", "up")

	p.cut("w", 1) // first: an answer of a witness is good for a second
	p.cut("s", 1)
	doubts := func() bool {
		return strings.Contains(p.get("http://"+probers[1].OperationsAddr+"/metrics"), "heliograph_prober_vantage_in_doubt 1")
	}
	until(t, "the vantage that is cut off to doubt itself", doubts)
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if state, reach := p.seen(); state != "up" || reach != "up" {
			t.Fatalf("with a vantage cut off the service is %s, %s", state, reach)
		}
	}
	p.lay("w", 1)
	p.becomes("one does not reach it, and its witness answers", "up", "local")
	p.cut("s", 2)
	p.becomes("two do not reach it", "down", "global")
	p.lay("s", 1)
	p.lay("s", 2)
	p.becomes("all reach it again", "up", "up")
}
