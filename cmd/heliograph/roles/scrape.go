package roles

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/heliograph-net/heliograph/internal/httpserve"
	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/prober/blackbox"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
)

// addScrape adds the listener for a Prometheus that uses the prober in place of blackbox_exporter,
// if it is configured.
func (p *Process) addScrape(c *Config, env probe.Env) (err error) {
	p.reloads.fix(map[string]func(*Config) any{
		"prober.scrape": func(c *Config) any { return c.Prober.Scrape },
	})
	if c.Prober.Scrape.Listen == "" {
		return nil
	}
	current := new(atomic.Pointer[scrape])
	current.Store(&scrape{config: c, env: env})
	p.reloads.add("scrape", func(next *Config) ([]any, error) {
		o, err := proberOptions(next)
		if err == nil {
			current.Store(&scrape{config: next, env: o.Env})
		}
		return []any{"modules", len(next.Prober.Modules)}, err
	})
	var handler http.Handler = blackbox.New(blackbox.Options{Probe: func(module, target, hostname string) (blackbox.Probe, error) {
		return current.Load().probe(module, target, hostname)
	}})
	p.ScrapeAddr, err = p.listen(endWork, httpserve.Options{
		Name: "scrape", Listen: c.Prober.Scrape.Listen, Handler: httpx.Hosts(c.Prober.Scrape.Hosts).Guard(handler),
		WriteTimeout: -1, // attempts have their own time limit
	})
	return err
}

// scrape is the part of a configuration that scrapes need.
type scrape struct {
	config *Config
	env    probe.Env

	mu   sync.Mutex // guards made
	made map[scraped]blackbox.Probe
}

// scraped is what a scrape asks for.
type scraped struct{ module, target, hostname string }

// maxMade is how many probes are kept, which a Prometheus asks for again and again.
const maxMade = 10_000

// defaultModules are the modules that exist without configuration.
var defaultModules = map[string]string{blackbox.DefaultModule: httpprobe.Name, "tcp_connect": tcpprobe.Name}

// defaultModule returns one of the modules that there are without any configuration.
func defaultModule(name string) (m ModuleConfig, err error) {
	kind, ok := defaultModules[name]
	if !ok {
		return m, fmt.Errorf("%w %q: it is not among prober.modules", blackbox.ErrModule, name)
	}
	if err := m.UnmarshalYAML([]byte("prober: " + kind)); err != nil || m.bad != nil {
		return m, fmt.Errorf("module %q: %w", name, cmp.Or(err, m.bad))
	}
	return m, nil
}

// probe returns how a module probes a target.
func (s *scrape) probe(module, target, hostname string) (p blackbox.Probe, err error) {
	asked := scraped{module, target, hostname}
	s.mu.Lock()
	p, known := s.made[asked]
	s.mu.Unlock()
	if known {
		return p, nil
	}
	if p, err = s.make(module, target, hostname); err != nil {
		return p, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil || len(s.made) == maxMade {
		s.made = map[scraped]blackbox.Probe{}
	}
	s.made[asked] = p
	return p, nil
}

func (s *scrape) make(module, target, hostname string) (blackbox.Probe, error) {
	m, ok := s.config.Prober.Modules[module]
	if !ok {
		var err error
		if m, err = defaultModule(module); err != nil {
			return blackbox.Probe{}, err
		}
	}
	t := TargetConfig{Name: target, Module: module, Target: target, keys: map[string]any{}}
	if hostname != "" {
		t.ask(&m, hostname)
	}
	t.finish(map[string]ModuleConfig{module: m})
	if t.bad != nil {
		return blackbox.Probe{}, fmt.Errorf("module %q: %s: %w", module, cmp.Or(t.badKey, "target"), t.bad)
	}
	f, err := t.Spec.Probe(s.env)
	if err != nil {
		return blackbox.Probe{}, fmt.Errorf("module %q: %w", module, err)
	}
	return blackbox.Probe{Kind: m.Prober, Func: f, Timeout: cmp.Or(t.Timeout, s.config.Prober.Timeout.Duration)}, nil
}

// ask makes a target be asked under another name, like blackbox_exporter's parameter hostname.
func (t *TargetConfig) ask(m *ModuleConfig, hostname string) {
	section, key := "headers", "Host"
	switch m.Prober {
	case httpprobe.Name:
	case tcpprobe.Name:
		section, key = "tls_config", "server_name"
	default:
		return
	}
	all := map[string]any{}
	if own, ok := m.keys[section].(map[string]any); ok {
		maps.Copy(all, own)
	}
	if _, there := all[key]; !there || m.Prober == httpprobe.Name {
		all[key] = hostname
	}
	t.keys[section] = all
}
