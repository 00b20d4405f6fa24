package browser

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/judge"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/simulate"
)

// world is a simulated service that ends now: what its users reported is in a store, and what the
// judgement made of it, too. It is a simulate.Sink.
type world struct {
	judge     *judgement.Judge
	shift     time.Duration // of what is shown
	counts    []model.Count
	incidents map[int64]model.Incident
	probes    map[string]map[string]bool // whether a server answered last, by server and vantage
	samples   []model.Sample
	suffix    string // of the names of servers and networks
}

// simulated runs a scenario at its own time, so that it is always the same, and moves what it shows
// by shift.
func simulated(t *testing.T, s *simulate.Scenario, shift time.Duration) *world {
	t.Helper()
	j, err := judgement.New(judgement.Options{Seed: 1, NetworkName: networkName})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{judge: j, shift: shift, incidents: map[int64]model.Incident{}, probes: map[string]map[string]bool{}}
	if err := simulate.Run(s, 1, w); err != nil {
		t.Fatal(err)
	}
	for _, i := range w.judge.Present() {
		w.incidents[int64(i.ID)] = w.incidentOf(i)
	}
	return w
}

func (w *world) Row(r simulate.Row) error {
	w.judge.Add(r)
	const width = 10_000
	w.counts = append(w.counts, model.Count{Client: max(r.Client, 1), Bucket: r.Bucket, Raw: r.Raw, Estimated: r.Estimated,
		End: time.UnixMilli(r.At/width*width + width).Add(w.shift),
		Series: model.Series{App: r.App, Target: r.Target, Outcome: r.Outcome, Protocol: r.Protocol, Status: r.Status, Server: r.Server,
			ASN: r.ASN, Country: r.Country, Source: r.Source}})
	return nil
}

func (w *world) Probe(p simulate.Probe) error {
	w.judge.AddProbe(p)
	if w.probes[p.Server] == nil {
		w.probes[p.Server] = map[string]bool{}
	}
	w.probes[p.Server][p.Vantage] = p.Outcome == report.OK
	return nil
}

func (w *world) Tick(at int64) error {
	for _, e := range w.judge.Advance(at) {
		w.incidents[int64(e.ID)] = w.incidentOf(e.Incident)
	}
	return nil
}

// incidentOf converts an incident as a detector does.
func (w *world) incidentOf(i judgement.Incident) model.Incident {
	s := i.Scope[0]
	m := model.Incident{ID: int64(i.ID), App: i.App, Target: i.Target, Outcome: i.Outcomes[0], Verdict: i.Verdict, Page: i.Page, Late: i.Late,
		Scope: model.Scope{ASNs: s.ASN, Countries: s.Country, Servers: s.Server, Versions: s.Version, Systems: s.OS, Protocols: s.Protocol,
			Statuses: s.Status, Collectors: s.Collector},
		Since: time.UnixMilli(i.Onset).Add(w.shift), Severity: i.Severity, Failed: i.Failed, Requests: i.Requests, Expected: i.Expected,
		Clients: i.Clients, Buckets: i.Buckets, Networks: i.Networks, Share: i.Share,
		Title: fmt.Sprintf("%s for %s: %.0f of %.0f requests fail, %d clients", i.Outcomes[0], i.Target, i.Failed, i.Requests, i.Clients)}
	if i.Until != 0 {
		m.Until = time.UnixMilli(i.Until).Add(w.shift)
	}
	for _, e := range i.Evidence {
		m.Evidence = append(m.Evidence, model.Signal{Code: e.Code, Text: e.Text})
	}
	return m
}

func networkName(asn uint32) string { return fmt.Sprintf("Net %d", asn%100) }

// emptyStore is a store that ends with the test.
func emptyStore(t *testing.T) (*sqlitestore.Events, *sqlitestore.State) {
	t.Helper()
	events, state, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(state.Close(), events.Close()) })
	return events, state
}

// serve stores the world and serves its dashboard until the test ends, or stop is called.
func (w *world) serve(t *testing.T) (url string, stop func()) {
	t.Helper()
	return w.stored(t).serve(t, "127.0.0.1:0")
}

// pageOptions are those of a world's dashboard.
type pageOptions dashboards.Options

// stored stores the world until the test ends.
func (w *world) stored(t *testing.T) pageOptions {
	t.Helper()
	events, state := emptyStore(t)
	b := detector.Batch{ID: report.BatchID{1}, Received: time.Now(), App: "shop", Counts: w.counts, Samples: w.samples}
	if _, err := events.Append(t.Context(), &detector.FeedPage{Feed: "c1", Cursor: 1, Batches: []detector.Batch{b}}); err != nil {
		t.Fatal(err)
	}
	step := detector.Step{Bin: time.Now()}
	for _, i := range w.incidents {
		step.Events = append(step.Events, model.Event{Kind: model.Opened, Incident: i})
	}
	if err := state.SaveStep(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	return pageOptions{Reader: withReleases{detector.Reader(events, state), w.suffix}, Installation: installed{w.suffix}, Servers: w.servers(t),
		NetworkName: func(asn uint32) string { return networkName(asn) + w.suffix },
		Doubts:      w.doubts, Journal: state, Mutes: state,
		Consents: func() api.Consents {
			return api.Consents{Since: time.Now().Add(-6 * time.Hour).UTC(), Counts: 5120, Diagnostics: 804, Withdrawn: 3}
		},
		Logger:     slog.New(slog.DiscardHandler),
		Thresholds: func() judge.Thresholds { return judge.Thresholds{Clients: 3, Failures: 5} },
		Parts:      func() []model.Part { return []model.Part{{Kind: model.PartDetector, State: model.PartWorks}} }}
}

// serve serves the dashboard at an address until the test ends, or stop is called.
func (o pageOptions) serve(t *testing.T, address string) (url string, stop func()) {
	t.Helper()
	d, err := dashboards.New(dashboards.Options(o))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(d)
	_ = server.Listener.Close() // its own
	server.Listener = ln
	server.Start()
	end := lifecycle.Background(d.Run)
	stop = sync.OnceFunc(func() { _ = end(); server.Close() })
	t.Cleanup(stop)
	return server.URL, stop
}

// doubts says why what fails is no incident, as a detector does.
func (w *world) doubts() map[string]string {
	all := map[string]string{}
	for _, d := range w.judge.Doubts() {
		if all[d.Target] == "" {
			all[d.Target] = d.Why
		}
	}
	return all
}

// servers is the map of what the vantages found last: down is what most of them do not reach.
func (w *world) servers(t *testing.T) *heatmap.Map {
	t.Helper()
	var all []heatmap.Server
	for i := range 20 {
		all = append(all, heatmap.Server{Name: fmt.Sprintf("web-%d", i+1) + w.suffix, Address: fmt.Sprintf("192.0.2.%d:443", i+1), DataCentre: "east", Cluster: "web", Row: "r1"})
	}
	topology, err := heatmap.NewTopology(all)
	if err != nil {
		t.Fatal(err)
	}
	m := heatmap.NewMap(topology)
	for i := range topology.Len() {
		answered, all := 0, 0
		for _, ok := range w.probes[topology.Server(i).Address] {
			if all++; ok {
				answered++
			}
		}
		switch {
		case all == 0:
		case 2*answered > all:
			m.Set(i, heatmap.Up, time.Now())
		default:
			m.Set(i, heatmap.Down, time.Now())
		}
	}
	return m
}
