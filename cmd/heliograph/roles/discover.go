package roles

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/ops"
	"github.com/heliograph-net/heliograph/prober"
	"github.com/heliograph-net/heliograph/prober/discover"
	"github.com/heliograph-net/heliograph/prober/heartbeat"
)

// DiscoverConfig is a source of targets. The labels name, region, data_centre, cluster and row say
// what a target is called and where it stands.
type DiscoverConfig struct {
	Files      []string             `yaml:"files"`      // JSON of Prometheus' file_sd; patterns
	URL        string               `yaml:"url"`        // JSON of Prometheus' http_sd
	Names      []string             `yaml:"names"`      // to look up in DNS
	Type       string               `yaml:"type"`       // of names: SRV, A or AAAA; empty: SRV
	Port       int                  `yaml:"port"`       // of A and AAAA
	Consul     *discover.Consul     `yaml:"consul"`     // instances of services
	Kubernetes *discover.Kubernetes `yaml:"kubernetes"` // endpoints, services or nodes
	EC2        *discover.EC2        `yaml:"ec2"`        // instances
	Refresh    Duration             `yaml:"refresh"`    // from one look to the next; 0: 30 s
	Module     string               `yaml:"module"`     // how the targets are probed
	Relabel    []discover.Relabel   `yaml:"relabel_configs"`
}

// sources returns the sources of targets.
func (c *Config) sources() []discover.Source {
	all := make([]discover.Source, len(c.Prober.Discover))
	for i, d := range c.Prober.Discover {
		all[i] = discover.Source{URL: d.URL, Names: d.Names, Type: d.Type, Port: d.Port, Refresh: d.Refresh.Duration, Relabel: d.Relabel}
		if d.Consul != nil {
			consul := *d.Consul
			consul.TokenFile, consul.CAFile = c.File(consul.TokenFile), c.File(consul.CAFile)
			all[i].Consul = &consul
		}
		if d.Kubernetes != nil {
			cluster := *d.Kubernetes
			cluster.TokenFile, cluster.CAFile = c.File(cluster.TokenFile), c.File(cluster.CAFile)
			all[i].Kubernetes = &cluster
		}
		if d.EC2 != nil {
			region := *d.EC2
			region.SecretKeyFile = c.File(region.SecretKeyFile)
			all[i].EC2 = &region
		}
		for _, name := range d.Files {
			all[i].Files = append(all[i].Files, c.File(name))
		}
	}
	return all
}

func (c *Config) checkDiscover(bad complaint) {
	for i, d := range c.Prober.Discover {
		key := fmt.Sprintf("prober.discover[%d]", i)
		if _, known := c.Prober.Modules[d.Module]; !known && defaultModules[d.Module] == "" {
			bad(key+".module", "there is no module %q among prober.modules", d.Module)
		}
		if d.Refresh.bad != "" || d.Refresh.Duration < 0 {
			bad(key+".refresh", "want a duration, 30s for instance")
		}
	}
	if _, err := discover.New(c.sources(), nil); err != nil {
		bad("prober.discover", "%v", err)
	}
}

// discovered returns what was found as targets. Those that cannot be probed are left out, and the
// error tells of them.
func (c *Config) discovered(found []discover.Target) (targets []prober.Target, err error) {
	known := map[string]bool{}
	for i := range c.Prober.Targets {
		known[c.Prober.Targets[i].Name] = true
	}
	modules := c.Prober.Modules
	var faults []error
	for i := range found {
		f := &found[i]
		if f.Source >= len(c.Prober.Discover) || known[f.Name()] {
			continue // the configuration has it, too
		}
		t := TargetConfig{Name: f.Name(), Region: f.Labels["region"], DataCentre: f.Labels["data_centre"], Cluster: f.Labels["cluster"], Row: f.Labels["row"],
			Module: c.Prober.Discover[f.Source].Module, Target: f.Address, keys: map[string]any{}}
		if _, ok := modules[t.Module]; !ok {
			m, err := defaultModule(t.Module)
			if err != nil {
				return nil, err
			}
			t.finish(map[string]ModuleConfig{t.Module: m})
		} else {
			t.finish(modules)
		}
		if t.bad == nil {
			target := t.target()
			if _, t.bad = prober.Topology([]prober.Target{target}); t.bad == nil {
				targets = append(targets, target)
				continue
			}
		}
		if len(faults) < 10 {
			faults = append(faults, fmt.Errorf("%q: %w", f.Name(), t.bad))
		}
	}
	return targets, errors.Join(faults...)
}

// probing is a prober, and what its targets follow from.
type probing struct {
	process *Process
	prober  *prober.Prober
	beats   *heartbeat.Receiver

	mu     sync.Mutex // guards the fields below, and that one set of targets is applied at a time
	config *Config
	found  []discover.Target
}

// reload applies a configuration.
func (g *probing) reload(c *Config) ([]any, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	told, err := g.apply(c)
	if err == nil {
		g.config = c
	}
	return told, err
}

// discovered applies what was found.
func (g *probing) discovered(found []discover.Target) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.found = found
	if told, err := g.apply(g.config); err != nil {
		g.process.log.Error("the targets that were found are not probed", "error", err)
	} else {
		g.process.log.Info("targets have come or gone", told...)
	}
}

// apply gives the prober its targets. The caller holds mu.
func (g *probing) apply(c *Config) ([]any, error) {
	more, err := c.discovered(g.found)
	if err != nil {
		g.process.log.Warn("some targets that were found cannot be probed", "error", err)
	}
	o, told, err := reloadProber(c, g.prober, g.beats, more)
	if err == nil {
		g.process.expect(c, o.Targets)
	}
	return told, err
}

// addDiscovery adds what looks for targets, if there are sources.
func (p *Process) addDiscovery(c *Config, g *probing) error {
	p.reloads.fix(map[string]func(*Config) any{"prober.discover": func(c *Config) any { return c.Prober.Discover }})
	if len(c.Prober.Discover) == 0 {
		return nil
	}
	finder, err := discover.New(c.sources(), p.log)
	if err != nil {
		return fmt.Errorf("prober.%w", err)
	}
	p.checks["discovery"] = func(context.Context) error {
		if err := finder.Wrong(); err != nil {
			return ops.Warning("targets stay as they were: " + strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		return nil
	}
	p.parts.Add(endProber, lifecycle.Part{Name: "discovery", Run: func(ctx context.Context) error { return finder.Run(ctx, g.discovered) }})
	return nil
}
