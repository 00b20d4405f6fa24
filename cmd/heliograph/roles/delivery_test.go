package roles

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/syncbuffer"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// proberSite is a data directory for a collector and a prober of their own.
type proberSite struct {
	t      *testing.T
	dir    string
	target net.Listener
}

func newProberSite(t *testing.T) *proberSite {
	t.Helper()
	s := &proberSite{t: t, dir: t.TempDir()}
	var err error
	if s.target, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.target.Close() })
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	config := fmt.Sprintf(`collector: {listen: "%s"}
operations: {listen: "127.0.0.1:0"}
dashboard: {listen: "127.0.0.1:0"}
prober:
  interval: 100ms
  vantage: fra-1
  vantage_asn: 64501
  policy: policy
  targets: [{name: web-1, tcp: "%s", data_centre: east, cluster: web, row: r1}]
`, address, s.target.Addr())
	policy := fmt.Sprintf(`version: 1
valid_for: 1h
max_consent: counts
success_fraction: 0.05
window: 1s
samples_per_window: 1
refresh: 1h
bytes_per_day: 1
seal_key: keys/seal.pem
signers: [keys/policy.pub.pem]
collectors: [{id: c1, url: "http://%s", priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}]
`, address)
	if err := Init(s.dir, InitOptions{Config: []byte(config), Policy: []byte(policy)}); err != nil {
		t.Fatal(err)
	}
	return s
}

// edit replaces a part of the configuration.
func (s *proberSite) edit(old, new string) {
	s.t.Helper()
	path := filepath.Join(s.dir, ConfigName)
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(strings.Replace(string(text), old, new, 1)), 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// revive lets the target answer again.
func (s *proberSite) revive() {
	s.t.Helper()
	listener, err := net.Listen("tcp", s.target.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.target = listener
	s.t.Cleanup(func() { _ = listener.Close() })
}

// start starts roles; their log is in the buffer.
func (s *proberSite) start(r Roles) (p *Process, stop func() error, log *syncbuffer.Buffer) {
	s.t.Helper()
	c, err := Load(filepath.Join(s.dir, ConfigName))
	if err != nil {
		s.t.Fatal(err)
	}
	log = new(syncbuffer.Buffer)
	p, err = New(s.t.Context(), Options{Config: c, Roles: r, Version: "1.2.3", Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		s.t.Fatal(err)
	}
	return p, lifecycle.Background(p.Run), log
}

// delivered opens the results of a prober in the collector's inbox.
func (s *proberSite) delivered(p *Process) (all []*report.ProbeResults, births []time.Time) {
	s.t.Helper()
	key, err := readKey(s.dir, "keys/open.pem", keyfile.ParseOpenKey)
	if err != nil {
		s.t.Fatal(err)
	}
	envelopes, err := p.inbox.Read(s.t.Context(), 0, 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range envelopes {
		_, records, err := seal.NewKeyring(key).Open(e.Segment)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, b := range records {
			r, err := report.DecodeRecord(b)
			if err != nil {
				s.t.Fatal(err)
			}
			switch r := r.(type) {
			case *report.Header:
				if r.Source != report.SourceProber || r.App != "heliograph-prober" || r.Version != "1.2.3" {
					s.t.Errorf("header %+v", r)
				}
			case *report.ProbeResults:
				all = append(all, r)
				births = append(births, time.UnixMilli(e.Received-int64(e.Delivery.Age)))
			}
		}
	}
	return all, births
}

// await waits until ok returns true.
func (s *proberSite) await(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s did not come about", what)
		}
	}
}

// A prober without a connection to its collectors keeps its results, even if its process ends, and
// delivers them later with their times.
func TestProberCutOffDeliversLater(t *testing.T) {
	s := newProberSite(t)
	began := time.Now()
	alone, stop, log := s.start(Roles{Prober: true})
	if alone.DashboardAddr != "" {
		t.Errorf("a prober that delivers has a page at %s", alone.DashboardAddr)
	}
	s.await("the first result", func() bool { return alone.probes.Counts().Up == 1 })
	_ = s.target.Close() // the prober reports this at once
	awaitLog(t, log, "wait in the spool")
	if body := get(t, "http://"+alone.OperationsAddr+"/health/ready"); !strings.Contains(body, "wait for a collector") {
		t.Errorf("readiness does not tell that nothing is delivered: %s", body)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "results wait for the next run") {
		t.Errorf("the log does not say that results are left:\n%s", log)
	}
	cut := time.Now()

	coll, stopCollector, _ := s.start(Roles{Collector: true})
	defer func() { _ = stopCollector() }()
	_, stop, _ = s.start(Roles{Prober: true})
	defer func() { _ = stop() }()
	s.await("what the first run found", func() bool {
		all, _ := s.delivered(coll)
		return len(all) > 0
	})
	all, births := s.delivered(coll)
	p := all[0]
	want := report.ProbeTarget{Name: "web-1", Address: s.target.Addr().String(), Kind: "tcp", DataCentre: "east", Cluster: "web", Row: "r1"}
	if p.Vantage != "fra-1" || p.ASN != 64501 || p.Version != "1.2.3" || p.Targets[0] != want {
		t.Errorf("%+v", p)
	}
	first := p.Results[0]
	at := births[0].Add(time.Duration(first.At) * time.Millisecond)
	if at.Before(began.Add(-time.Second)) || at.After(cut.Add(time.Second)) {
		t.Errorf("the first result is from %v, not between %v and %v", at, began, cut)
	}
	if first.Judgement != report.JudgedUp || first.Steps[0].Name != "connect" || first.Family != 4 || first.Server != want.Address {
		t.Errorf("%+v", first)
	}
	if last := p.Results[len(p.Results)-1]; last.Outcome != report.TCPRefused {
		t.Errorf("the last result is %+v", last)
	}
}

// The results of a remote prober are shown on the page of the detector and stored.
func TestProbesArriveAtTheDetector(t *testing.T) {
	s := newProberSite(t)
	hub, stopHub, _ := s.start(Roles{Collector: true, Detector: true})
	defer func() { _ = stopHub() }()
	_, stop, _ := s.start(Roles{Prober: true})
	page := "http://" + hub.DashboardAddr + "/api/v1/servers"
	_ = s.target.Close() // the prober reports this at once
	s.await("the server's fall on the page", func() bool { return strings.Contains(get(t, page), `"down":1`) })
	s.revive()
	s.await("the server's return on the page", func() bool { return strings.Contains(get(t, page), `"up":1`) })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	address := s.target.Addr().String()
	if hub.ServerDown(address) {
		t.Error("the detector holds the server to be down")
	}
	results, err := hub.Store.ProbeResults(t.Context(), model.ProbeQuery{Target: "web-1", Vantage: "fra-1"})
	if err != nil || len(results) == 0 {
		t.Fatalf("%d results are kept: %v", len(results), err)
	}
	last := results[0]
	if last.Outcome != report.OK || last.Judgement != report.JudgedUp || last.VantageASN != 64501 || last.Family != 4 ||
		last.Steps[0].Name != "connect" || last.Target.Row != "r1" || last.Server != address || time.Since(last.At) > time.Minute {
		t.Errorf("the last result is %+v", last)
	}
	if !slices.ContainsFunc(results, func(r model.ProbeResult) bool {
		return r.Outcome == report.TCPRefused && r.Judgement == report.JudgedDown
	}) {
		t.Errorf("no failure is kept: %+v", results)
	}
}

// Anybody can seal results for the detector. Results of an unknown vantage are dropped.
func TestStrangeVantagesAreNotBelieved(t *testing.T) {
	s := newProberSite(t)
	_, stop, _ := s.start(Roles{Prober: true})
	s.edit("  vantage: fra-1\n", "")
	s.edit("  policy: policy\n", "")
	hub, stopHub, _ := s.start(Roles{Collector: true, Detector: true})
	defer func() { _ = stopHub() }()
	metrics := "http://" + hub.OperationsAddr + "/metrics"
	_ = s.target.Close()
	s.await("the refusal of a stranger's results", func() bool {
		return regexp.MustCompile(`(?m)^heliograph_detector_unknown_vantage_results_total [1-9]`).MatchString(get(t, metrics))
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := hub.probes.Topology().Len(); got != 0 {
		t.Errorf("%d servers are on the map", got)
	}
}

// In one process, nothing is sealed or sent: the detector gets the results at once.
func TestProbesOfOneProcessAreHandedOver(t *testing.T) {
	s := newProberSite(t)
	s.edit("  policy: policy\n", "")
	p, stop, _ := s.start(Roles{Collector: true, Detector: true, Prober: true})
	if got := p.probes.Topology().Len(); got != 1 {
		t.Errorf("%d targets are on the map before the first result, want 1", got)
	}
	s.await("the server on the map", func() bool { return p.probes.Counts().Up == 1 })
	_ = s.target.Close()
	s.await("the server's fall", func() bool { return p.ServerDown(s.target.Addr().String()) })
	results, err := p.Store.ProbeResults(t.Context(), model.ProbeQuery{})
	if err != nil || len(results) == 0 || results[0].Vantage != "fra-1" {
		t.Errorf("%+v, %v", results, err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "prober-spool")); err == nil {
		t.Error("a prober that hands over has a spool")
	}
}

func TestProberWithoutPolicyHasAPage(t *testing.T) {
	s := newProberSite(t)
	s.edit("  policy: policy\n", "")
	p, stop, _ := s.start(Roles{Prober: true})
	defer func() { _ = stop() }()
	s.await("the page's heat map", func() bool {
		return strings.Contains(get(t, "http://"+p.DashboardAddr+"/api/v1/servers"), `"web-1"`)
	})
	if _, err := os.Stat(filepath.Join(s.dir, "prober-spool")); err == nil {
		t.Error("a prober that does not deliver has a spool")
	}
}

func TestProberDeliveryNamesItsFaults(t *testing.T) {
	for text, want := range map[string]string{
		"prober: {policy: nowhere, vantage: a}\n":                            "prober.policy",
		"prober: {policy: heliograph.yaml, vantage: a}\n":                    "prober.policy",
		"prober: {policy: policy, vantage: a, collectors_ca: nowhere}\n":     "prober.collectors_ca",
		"prober: {policy: policy, vantage: a, targets: [{name: a, tcp: b}]}": `("a")`,
	} {
		dir := t.TempDir()
		if err := Init(dir, InitOptions{Config: []byte(text)}); err != nil {
			t.Fatal(err)
		}
		c, err := Load(filepath.Join(dir, ConfigName))
		if err != nil {
			t.Fatal(err)
		}
		_, err = New(t.Context(), Options{Config: c, Roles: Roles{Prober: true}, Logger: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
	if _, err := parse("h.yaml", []byte("prober:\n  policy: policy\n")); err == nil || !strings.Contains(err.Error(), "h.yaml:2: prober.vantage") {
		t.Errorf("no vantage: %v", err)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if err := resp.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
