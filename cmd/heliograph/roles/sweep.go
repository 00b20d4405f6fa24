package roles

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/fleet"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/heatmap/history"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/prober"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
	"github.com/heliograph-net/heliograph/prober/sweep"
)

// maxStateAge is how old a state may be that is taken over from before a restart.
const maxStateAge = time.Hour

// SweepConfig is about a fleet whose servers are all probed alike, in rounds.
type SweepConfig struct {
	// CSV: name, address, and optionally region, data_centre, cluster, row; empty: no sweep
	List string `yaml:"list"`
	// what to request; {address} and {name} stand for the server's; empty: connect by TCP
	URL string `yaml:"url"`

	Rate        int      `yaml:"rate"`        // most attempts a second; 0: 10,000
	Round       Duration `yaml:"round"`       // from one round to the next; 0: a minute
	Timeout     Duration `yaml:"timeout"`     // of one attempt; 0: 2 s
	Concurrency int      `yaml:"concurrency"` // attempts at the same time; 0: 1,024
	// directory for states, which outlive a restart; empty: none
	State string `yaml:"state"`

	Share ShareConfig `yaml:"share"`
}

// ShareConfig is the part of the fleet that this vantage sweeps.
type ShareConfig struct {
	Vantage  int `yaml:"number"`   // of this vantage among them, from 0
	Vantages int `yaml:"vantages"` // that share the fleet; 0: this one has all of it
	Overlap  int `yaml:"overlap"`  // how many of them probe each server; 0: one
}

func (c *Config) checkSweep(bad complaint) {
	s := &c.Prober.Sweep
	if s.List == "" {
		return
	}
	for key, d := range map[string]Duration{"round": s.Round, "timeout": s.Timeout} {
		if d.bad != "" || d.Duration < 0 {
			bad("prober.sweep."+key, "want a duration, 30s for instance")
		}
	}
	if s.URL == "" {
		return
	}
	u, err := url.Parse(strings.NewReplacer("{address}", "192.0.2.1:80", "{name}", "name").Replace(s.URL))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		bad("prober.sweep.url", "%q is not an http or https URL such as http://{address}/healthz", s.URL)
	}
}

// spec returns how a server of the fleet is probed.
func (s *SweepConfig) spec(server heatmap.Server) probe.Spec {
	if s.URL == "" {
		return &tcpprobe.Options{Target: server.Address}
	}
	return &httpprobe.Options{URL: strings.NewReplacer("{address}", server.Address, "{name}", server.Name).Replace(s.URL), Connect: server.Address}
}

// sweepOptions reads the fleet.
func (c *Config) sweepOptions() (o sweep.Options, err error) {
	s := &c.Prober.Sweep
	f, err := os.Open(c.File(s.List))
	if err != nil {
		return o, fmt.Errorf("prober.sweep.list: %w", err)
	}
	defer f.Close()
	all, err := fleet.ReadList(f, time.Now())
	if err != nil {
		return o, fmt.Errorf("prober.sweep.list: %s: %w", s.List, err)
	}
	return sweep.Options{
		Map: heatmap.NewMap(all.Topology), Spec: s.spec, Rate: s.Rate, Round: s.Round.Duration, Timeout: s.Timeout.Duration,
		Concurrency: s.Concurrency, DownAfter: c.Prober.Failures,
		Share: sweep.Share{Vantage: s.Share.Vantage, Vantages: s.Share.Vantages, Overlap: s.Share.Overlap},
	}, nil
}

// addSweep adds the sweep of a fleet, if there is to be one, beside a prober with options o.
func (p *Process) addSweep(c *Config, pr *prober.Prober, o *prober.Options) error {
	p.reloads.fix(map[string]func(*Config) any{"prober.sweep": func(c *Config) any { return c.Prober.Sweep }})
	if c.Prober.Sweep.List == "" {
		return nil
	}
	if p.detector == nil && c.Prober.Policy == "" && len(o.Targets) > 0 {
		return errors.New("prober.sweep: a prober without detector shows one map: list targets, or sweep; with prober.policy the detector has all on one")
	}
	so, err := c.sweepOptions()
	if err != nil {
		return err
	}
	so.Env, so.Vouch, so.Doubt, so.Vantage, so.ASN, so.Version, so.Deliver = o.Env, pr.Vouch, pr.Doubt, o.Vantage, o.ASN, o.Version, o.Deliver
	so.Logger, so.Metrics = p.log, p.metrics
	part := lifecycle.Part{Name: "sweep"}
	keep := func(context.Context) {}
	if c.Prober.Sweep.State != "" {
		past, err := history.Open(history.Options{Dir: c.File(c.Prober.Sweep.State)})
		if err != nil {
			return fmt.Errorf("prober.sweep.state: %w", err)
		}
		part.Close = past.Close
		restore(so.Map, past, time.Now())
		keep = func(ctx context.Context) {
			past.Record(ctx, so.Map, frameInterval, func(err error) { p.log.Error("states of the sweep are not kept", "error", err) })
		}
	}
	s, err := sweep.New(so)
	if err != nil {
		if part.Close != nil {
			err = errors.Join(err, part.Close())
		}
		return err
	}
	part.Run = func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		kept := make(chan struct{})
		go func() {
			defer close(kept)
			keep(ctx)
		}()
		err := s.Run(ctx)
		cancel()
		<-kept
		return err
	}
	if p.detector == nil && len(o.Targets) == 0 {
		p.probes = so.Map
	}
	p.parts.Add(endProber, part)
	p.log.Info("a fleet is swept", "servers", s.Len(), "of", so.Map.Topology().Len())
	return nil
}

// restore sets the states of servers that had one before a restart, by name.
func restore(m *heatmap.Map, past *history.Log, now time.Time) {
	_, last, ok, err := past.Bounds()
	if err != nil || !ok || now.Sub(last) > maxStateAge {
		return // they are unknown, as at the first start
	}
	before, err := past.At(now)
	if err != nil {
		return
	}
	t := m.Topology()
	for i := range t.Len() {
		if j, ok := before.Topology.ByName(t.Server(i).Name); ok {
			m.Set(i, before.State(j), last)
		}
	}
}
