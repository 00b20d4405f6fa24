package detector

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/detector/vantages"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

const (
	probeSweep = 10 * time.Second // how often expired judgements are looked for
	// time without results after which a target is removed from the map
	probeForget = 24 * time.Hour
	maxVantages = 64 // judgements that are kept for a target
	mostHold    = time.Hour
)

// Servers returns the map of what probes find: one server for each target. It changes as long as
// Run works. Its topology changes when a target appears or is removed.
func (d *Detector) Servers() *heatmap.Map { return d.probes.servers }

// ServersKnown returns a channel that is closed when the map of [Detector.Servers] has the targets
// that were stored before Run, with their names and places.
func (d *Detector) ServersKnown() <-chan struct{} { return d.probes.known }

// VantageHeard returns the time of a vantage's newest result, or zero if there is none. It is safe
// for concurrent use.
func (d *Detector) VantageHeard(vantage string) time.Time {
	d.probes.mu.Lock()
	defer d.probes.mu.Unlock()
	return d.probes.heard[vantage]
}

// watchProbes restores the map from the store, and lets judgements expire while no results come.
func (d *Detector) watchProbes(ctx context.Context) {
	known := sync.OnceFunc(func() { close(d.probes.known) })
	restored := d.retry(ctx, "probes", d.o.Logger, func(ctx context.Context) error {
		var results []model.ProbeResult
		err := d.o.Events.LatestProbes(ctx, time.Now().Add(-probeForget), func(r model.ProbeResult) error {
			results = append(results, r)
			return nil
		})
		if err == nil {
			d.probes.take(results, time.Now())
			known()
			err = d.dateBack(ctx)
		}
		return err
	})
	for restored && ctx.Err() == nil {
		sleep(ctx, probeSweep)
		d.probes.sweep(time.Now())
	}
}

// probeMap keeps a heat map from the results of probes. It is safe for concurrent use.
type probeMap struct {
	hold    time.Duration
	rule    vantages.Rule
	log     *slog.Logger
	servers *heatmap.Map
	known   chan struct{} // closed when servers has what was stored

	mu      sync.Mutex // guards the following fields
	targets map[string]*probed
	order   []*probed                // all targets, by their places
	heard   map[string]time.Time     // when the newest result of a vantage is from
	minutes map[string]heardMinutes  // of which vantages have delivered results, for two days
	reaches [vantages.Global + 1]int // servers by reach
	room    room                     // for changes in the log
	untold  int                      // changes since the last that was logged
}

// probed is a target and what the vantages found there.
type probed struct {
	model.ProbeTarget
	server     int // its index in the topology
	judgements []vantageJudgement
	heard      time.Time // time of its newest result, or when it was last expected
	reach      vantages.Reach
	since      time.Time // when reach began; zero: at the start
}

// vantageJudgement is the latest judgement of a vantage.
type vantageJudgement struct {
	vantage string
	asn     uint32
	saw     *sighting // how the attempt failed; nil if it succeeded
	at      time.Time
	began   time.Time     // of the first result in a row that was judged like this; zero: unknown
	gap     time.Duration // time between it and the one before; 0: unknown
	report.Judgement
}

// holds reports whether a judgement is still valid. It is for hold, or for three times as long as
// the vantage takes from one attempt to the next, but then at most for mostHold.
func (j *vantageJudgement) holds(now time.Time, hold time.Duration) bool {
	return now.Sub(j.at) <= max(hold, min(3*j.gap, mostHold))
}

func newProbeMap(hold time.Duration) (*probeMap, error) {
	none, err := heatmap.NewTopology(nil)
	if err != nil {
		return nil, err
	}
	return &probeMap{hold: hold, log: slog.New(slog.DiscardHandler), servers: heatmap.NewMap(none), known: make(chan struct{}), targets: map[string]*probed{}, heard: map[string]time.Time{}, minutes: map[string]heardMinutes{}}, nil
}

// take adds results, in any order.
func (m *probeMap) take(results []model.ProbeResult, now time.Time) {
	if len(results) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	changed := false
	touched := map[*probed]struct{}{}
	for i := range results {
		r := &results[i]
		t := m.targets[r.Target.Name]
		if t == nil {
			t = &probed{ProbeTarget: r.Target}
			m.targets[r.Target.Name] = t
			m.reaches[t.reach]++
			changed = true
		}
		if !r.At.Before(t.heard) {
			changed = changed || t.ProbeTarget != r.Target
			t.ProbeTarget, t.heard = r.Target, r.At
		}
		t.remember(r)
		m.note(r.Vantage, r.At)
		touched[t] = struct{}{}
	}
	if changed {
		m.arrange()
	}
	for t := range touched {
		m.show(t, now)
	}
}

// expect adds targets that have no result yet.
func (m *probeMap) expect(targets []model.ProbeTarget, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, target := range targets {
		t := m.targets[target.Name]
		if t == nil {
			t = new(probed)
			m.targets[target.Name] = t
			m.reaches[t.reach]++
		}
		t.ProbeTarget, t.heard = target, now
	}
	m.arrange()
}

// remember stores the judgement of a vantage, unless there is a later one.
func (t *probed) remember(r *model.ProbeResult) {
	next := vantageJudgement{vantage: r.Vantage, asn: r.VantageASN, saw: seenIn(r), at: r.At, Judgement: r.Judgement}
	i := slices.IndexFunc(t.judgements, func(j vantageJudgement) bool { return j.vantage == r.Vantage })
	switch {
	case i < 0 && len(t.judgements) < maxVantages:
		t.judgements = append(t.judgements, next)
	case i >= 0 && r.At.After(t.judgements[i].at):
		next.gap = r.At.Sub(t.judgements[i].at)
		if next.began = r.At; r.Judgement == t.judgements[i].Judgement {
			next.began = t.judgements[i].began
		}
		t.judgements[i] = next
	}
}

func (m *probeMap) show(t *probed, now time.Time) {
	m.servers.Set(t.server, m.judge(t, now), now)
}

// arrange makes a new topology. Targets that it refuses are not on the map.
func (m *probeMap) arrange() {
	all := make([]*probed, 0, len(m.targets))
	for _, t := range m.targets {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *probed) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.DataCentre, b.DataCentre), cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Row, b.Row), cmp.Compare(a.Name, b.Name))
	})
	m.order = all
	topology := topologyOf(all)
	for _, t := range all {
		t.server = -1 // off the map
		if i, ok := topology.ByName(t.Name); ok {
			t.server = i
		}
	}
	m.servers.Replace(topology)
}

func topologyOf(all []*probed) *heatmap.Topology {
	servers := make([]heatmap.Server, 0, min(len(all), heatmap.MaxServers))
	for _, t := range all[:cap(servers)] {
		servers = append(servers, heatmap.Server{Name: t.Name, Address: t.Address, Region: t.Region, DataCentre: t.DataCentre, Cluster: t.Cluster, Row: t.Row})
	}
	topology, err := heatmap.NewTopology(servers)
	if err == nil {
		return topology
	}
	// One of them is invalid, because its prober accepts what this map does not.
	servers = slices.DeleteFunc(servers, func(s heatmap.Server) bool {
		_, err := heatmap.NewTopology([]heatmap.Server{s})
		return err != nil
	})
	if topology, err = heatmap.NewTopology(servers); err != nil {
		topology, _ = heatmap.NewTopology(nil) // an empty topology is always valid
	}
	return topology
}

// sweep removes expired judgements and forgotten targets.
func (m *probeMap) sweep(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgetMinutes(now)
	gone := false
	for name, t := range m.targets {
		if now.Sub(t.heard) > probeForget {
			delete(m.targets, name)
			m.reaches[t.reach]--
			gone = true
		}
	}
	if gone {
		m.arrange()
	}
	for _, t := range m.targets {
		m.show(t, now)
	}
}

// ServerDown implements Probes.
func (m *probeMap) ServerDown(server string) (down, known bool) {
	for _, i := range m.servers.Topology().ByAddress(server) {
		switch state, _ := m.servers.State(i); state {
		case heatmap.Up:
			return false, true
		case heatmap.Down:
			down, known = true, true
		}
	}
	return down, known
}
