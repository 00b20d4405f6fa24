package prober

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/maintenance"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// Settings are the fields of [Options] that [Prober.Reload] can change. See there.
type Settings struct {
	Targets       []Target
	Witnesses     []Target
	Maintenance   []maintenance.Window
	Env           probe.Env
	Interval      time.Duration
	RetryInterval time.Duration
	Timeout       time.Duration
	DownAfter     int
	UpAfter       int
}

// plan has a prober's options and the probes that were made from them.
type plan struct {
	options   Options
	topology  *heatmap.Topology
	all       []*server
	witnesses []probe.Func
}

// Reload replaces the settings. A running prober adopts them within a moment. Targets that are in
// both settings keep their state and their place in the interval. If Reload returns an error, the
// old settings stay in effect. Reload is safe for concurrent use, before and during Run.
func (p *Prober) Reload(s Settings) error {
	o := p.given
	if o.Map != nil {
		return errors.New("prober: the map is the caller's, so that its targets cannot change")
	}
	o.Targets, o.Witnesses, o.Maintenance, o.Env = s.Targets, s.Witnesses, s.Maintenance, s.Env
	o.Interval, o.RetryInterval, o.Timeout, o.DownAfter, o.UpAfter = s.Interval, s.RetryInterval, s.Timeout, s.DownAfter, s.UpAfter
	next, err := newPlan(o)
	if err != nil {
		return err
	}
	for {
		select {
		case p.next <- next:
			return nil
		case <-p.next: // an older plan, which Run has not adopted yet
		}
	}
}

// newPlan validates options and makes the probes.
func newPlan(o Options) (*plan, error) {
	o.fill()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("prober options: %w", err)
	}
	o.Maintenance = slices.Clone(o.Maintenance)
	for i := range o.Maintenance {
		if err := o.Maintenance[i].Compile(); err != nil {
			return nil, fmt.Errorf("maintenance[%d]: %w", i, err)
		}
	}
	p := &plan{options: o}
	var err error
	if o.Map != nil {
		p.topology = o.Map.Topology()
	} else if p.topology, err = Topology(o.Targets); err != nil {
		return nil, err
	}
	if err := p.enlist(); err != nil {
		return nil, err
	}
	for i, t := range o.Witnesses {
		f, err := t.probe(o.Env)
		if err != nil {
			return nil, fmt.Errorf("witness %d: %w", i, err)
		}
		p.witnesses = append(p.witnesses, f)
	}
	return p, nil
}

// enlist makes the probes of all targets and finds the targets in the topology.
func (p *plan) enlist() error {
	var faults []error
	// the length of a topology is never too long
	seen, _ := heatmap.NewBitset(p.topology.Len())
	for i := range p.options.Targets {
		t := &p.options.Targets[i]
		f, err := t.probe(p.options.Env)
		index, known := p.topology.ByName(t.Name)
		switch {
		case err != nil:
		case !known:
			err = errors.New("is not in the map's topology")
		case seen.Get(index):
			err = errors.New("is listed twice")
		case p.options.Deliver != nil && !t.fits():
			err = fmt.Errorf("a name is longer than %d bytes of UTF-8", report.MaxString)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("target %d (%q): %w", i, t.Name, err))
			if len(faults) == maxFaults {
				break
			}
			continue
		}
		seen.Set(index, true)
		p.all = append(p.all, &server{target: t, probe: f, index: index, maintenance: p.windows(t)})
	}
	return errors.Join(faults...)
}

// windows returns the times of maintenance of a target.
func (p *plan) windows(t *Target) (all []*maintenance.Window) {
	for i := range p.options.Maintenance {
		w := &p.options.Maintenance[i]
		if w.Covers(maintenance.Place{Name: t.Name, Region: t.Region, DataCentre: t.DataCentre, Cluster: t.Cluster, Row: t.Row}) {
			all = append(all, w)
		}
	}
	return all
}

// take adopts a plan, between two attempts.
func (p *Prober) take(next *plan) {
	p.outbox.flush(time.Now()) // while the names of the results are still known
	before := make(map[string]*server, len(p.all))
	for _, s := range p.all {
		before[s.target.Name] = s
	}
	p.servers.Replace(next.topology)
	for _, s := range next.all {
		s.state, _ = p.servers.State(s.index)
		if old := before[s.target.Name]; old != nil {
			s.follow(old, next.options.Interval == p.options.Interval)
		}
	}
	p.options, p.all = next.options, next.all
	p.outbox.rank(p.all)
	p.ofEach.keep(p.all)
	p.recount()
	p.vantage.replace(next.witnesses, next.options.Timeout)
	p.names.replace(next.options.Env)
}

// follow copies the state of the target that had the same name before.
func (s *server) follow(old *server, sameInterval bool) {
	s.told, s.served = old.told, old.served
	if sameInterval {
		s.slot, s.due = old.slot, old.due
	}
	if reflect.DeepEqual(s.target.Spec, old.target.Spec) {
		s.failed, s.passed, s.suspect = old.failed, old.passed, old.suspect
		s.warning, s.ends = old.warning, old.ends
	}
}
