//go:build cgo

package live

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/nettable"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/simulate"
)

// cells is what replay would read. It is a [simulate.Sink].
type cells struct {
	rows  []simulate.Row
	judge *judgement.Judge // nil: nothing is judged
	last  map[judgement.ID]judgement.Event
}

func (c *cells) Row(r simulate.Row) error {
	c.rows = append(c.rows, r)
	if c.judge != nil {
		c.judge.Add(r)
	}
	return nil
}

func (c *cells) Probe(p simulate.Probe) error {
	if c.judge != nil {
		c.judge.AddProbe(p)
	}
	return nil
}

func (c *cells) Tick(at int64) error {
	if c.judge != nil {
		for _, e := range c.judge.Advance(at) {
			c.last[e.ID] = e
		}
	}
	return nil
}

// site is a collector and a detector on sockets of this machine.
type site struct {
	policy *policy.Policy
	store  model.Reader
}

// newSite starts a site whose collector believes this machine about addresses of a scenario.
func newSite(t *testing.T, s *simulate.Scenario) *site {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "d")
	err := roles.Init(dir, roles.InitOptions{
		Config: []byte("networks: networks.tsv\ncollector: {listen: \"127.0.0.1:0\", trusted_proxies: [127.0.0.1/32]}\ndetector: {vantages: [v1, v2]}\n" +
			"dashboard: {listen: \"127.0.0.1:0\"}\noperations: {listen: \"127.0.0.1:0\"}\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var networks bytes.Buffer
	if err := simulate.WriteNetworks(&networks, s, 1); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "networks.tsv"), networks.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := roles.Load(filepath.Join(dir, roles.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	p, err := roles.New(t.Context(), roles.Options{Config: config, Roles: roles.Roles{Collector: true, Detector: true}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(p.Run)
	t.Cleanup(func() { _ = stop() })
	signed, err := os.ReadFile(filepath.Join(dir, "policy"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := policy.Signer(signed)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := policy.Open(signed, signer)
	if err != nil {
		t.Fatal(err)
	}
	opened.Collectors[0].URL = "http://" + p.CollectorAddr
	return &site{opened, p.Store}
}

// sums are estimated requests, and reported failures, by what the truth speaks of.
type sums map[model.Series]float64

func (s sums) differ(o sums) (text string) {
	keys := map[model.Series]bool{}
	for k := range s {
		keys[k] = true
	}
	for k := range o {
		keys[k] = true
	}
	for k := range maps.Keys(keys) {
		if math.Abs(s[k]-o[k]) > 1e-6 {
			text += fmt.Sprintf("%+v: %v and %v\n", k, s[k], o[k])
		}
	}
	return text
}

// A real collector and a real detector count what the cells of the same scenario and seed say:
// nothing is lost, doubled or moved to another network.
func TestCountsAreThoseOfTheCells(t *testing.T) {
	s := parse(t, `
duration: 4m
world: {requests_per_second: 25, networks: 30, largest_network: 0.2, clients: 1500, servers: 4, countries: 5, sampling: 0.25}
faults:
  - {start: 1m, duration: 2m, outcomes: {tcp.refused: 1}, scope: {server: ["192.0.2.2:443"]}, verdict: server_group}
floods:
  - {start: 1m, duration: 1m, per_second: 2, tokens: 5, prefixes: 2, outcome: dns.name_not_resolved, from: {network_share: 0.02}}
probes: {vantages: 2, every: 10s}
`)
	var c cells
	if err := simulate.Run(s, 1, &c); err != nil {
		t.Fatal(err)
	}
	want := sums{}
	for _, r := range c.rows {
		if r.App != model.DeliveryApp {
			want[model.Series{App: r.App, Outcome: r.Outcome, ASN: r.ASN, Country: r.Country, Source: r.Source}] += r.Estimated
		}
	}
	at := newSite(t, s)
	start := time.Now().Add(-s.Duration.Duration)
	l, err := New(Options{Scenario: s, Seed: 1, Policy: at.policy, Collectors: at.policy.Collectors})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := l.Result(); r.Lost() != 0 || r.Reports < 100 {
		t.Fatal(r.String())
	}
	difference := "nothing was asked"
	for deadline := time.Now().Add(time.Minute); difference != "" && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		totals, err := at.store.Totals(t.Context(), model.TotalsQuery{Since: start.Add(-time.Hour),
			By: model.DimensionsOf(model.ByApp, model.ByOutcome, model.ByASN, model.ByCountry, model.BySource)})
		if err != nil {
			t.Fatal(err)
		}
		got := sums{}
		for _, total := range totals {
			got[total.Key] += total.OK + total.Failed + total.Clipped
		}
		difference = got.differ(want)
	}
	if difference != "" {
		t.Errorf("the store and the cells differ:\n%s", difference)
	}
	probes, err := at.store.ProbeResults(t.Context(), model.ProbeQuery{Since: start.Add(-time.Hour), Limit: 1000})
	if err != nil || len(probes) < 2*4*20 {
		t.Errorf("%d results of probes, %v", len(probes), err)
	}
}

// reading makes an inbox a feed.
type reading struct{ *sqliteinbox.Inbox }

func (r reading) Ack(ctx context.Context, upTo uint64) error {
	return r.Inbox.Ack(ctx, "detector", upTo)
}
func (reading) SameClock() bool { return true }

// The incident that a detector finds while a scenario is delivered at its own pace is the one that
// replay finds in its cells: the same verdict, scope, target and outcome, and both alert people.
func TestIncidentIsThatOfReplay(t *testing.T) {
	for name, text := range map[string]string{
		"server": `
duration: 26m
world: {requests_per_second: 25, networks: 60, largest_network: 0.1, clients: 4000, servers: 5, countries: 5, diurnal: 0}
probes: {vantages: 2}
faults:
  - {start: 15m, duration: 6m, outcomes: {tcp.refused: 1}, scope: {server: ["192.0.2.2:443"]}, verdict: server_group}
`,
		"network": `
duration: 26m
world: {requests_per_second: 25, networks: 20, largest_network: 0.2, clients: 4000, servers: 5, countries: 5, diurnal: 0}
faults:
  - {start: 15m, duration: 6m, outcomes: {tcp.timed_out: 1}, scope: {network_share: 0.1}, verdict: network_path}
`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { sameIncident(t, parse(t, text)) })
		})
	}
}

func sameIncident(t *testing.T, s *simulate.Scenario) {
	judge, err := judgement.New(judgement.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	c := cells{judge: judge, last: map[judgement.ID]judgement.Event{}}
	if err := simulate.Run(s, 1, &c); err != nil {
		t.Fatal(err)
	}
	var replayed []judgement.Event
	for _, e := range c.last {
		if e.Page {
			replayed = append(replayed, e)
		}
	}
	found := watched(t, s)
	if len(replayed) != 1 || len(found) != 1 {
		t.Fatalf("replay has found %+v\nthe detector %+v", c.last, found)
	}
	i, r := found[0], replayed[0]
	if i.Verdict != r.Verdict || i.Target != r.Target || i.Outcome != r.Outcomes[0] || !slices.Equal(i.Scope.ASNs, r.Scope[0].ASN) || !slices.Equal(i.Scope.Servers, r.Scope[0].Server) ||
		!slices.Equal(i.Scope.Countries, r.Scope[0].Country) || i.Until.IsZero() != (r.Until == 0) {
		t.Errorf("replay has found %+v\nthe detector %+v", r, i)
	}
	if truth := simulate.Truths(s, 1)[0]; string(i.Verdict) != truth.Verdict || !slices.Equal(i.Scope.ASNs, truth.Scope.ASN) || !slices.Equal(i.Scope.Servers, truth.Scope.Server) {
		t.Errorf("the truth is %+v, the detector has found %+v", truth, i)
	}
}

// watched delivers a scenario at its own pace to a collector and a detector, and returns the
// incidents that alert people.
func watched(t *testing.T, s *simulate.Scenario) (paging []model.Incident) {
	k := newKeys(t)
	var table bytes.Buffer
	if err := simulate.WriteNetworks(&table, s, 1); err != nil {
		t.Fatal(err)
	}
	networks, err := nettable.Load(&table)
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := sqliteinbox.Open(filepath.Join(t.TempDir(), "inbox.db"), sqliteinbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer inbox.Close()
	col, err := collector.New(collector.Options{ID: "c1", Inbox: inbox, Settings: collector.Settings{ReceiptKey: k.receipt, Policy: k.signed, Networks: networks,
		LocalReaders: []string{"detector"}, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	if err != nil {
		t.Fatal(err)
	}
	stopCollector := lifecycle.Background(col.Run)
	events, state, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	det, err := detector.New(detector.Options{Feeds: map[string]detector.Feed{"c1": reading{inbox}}, Events: events, State: state, Keys: seal.NewKeyring(k.open), Vantages: []string{"v1", "v2"}})
	if err != nil {
		t.Fatal(err)
	}
	stopDetector := lifecycle.Background(det.Run)
	network := make(pipes)
	network.serve(t, col.Handler())
	l, err := New(Options{Scenario: s, Seed: 1, Policy: &k.policy, Collectors: k.policy.Collectors, Speed: 1, Dial: network.dial})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := l.Result(); r.Lost() != 0 {
		t.Error(r.String())
	}
	time.Sleep(2 * time.Minute)
	all, err := state.Incidents(t.Context(), time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Page {
			paging = append(paging, i)
		}
	}
	for _, stop := range []func() error{stopCollector, stopDetector, events.Close, state.Close} {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	return paging
}
