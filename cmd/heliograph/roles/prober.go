package roles

import (
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/prober"
)

// addProber adds a prober and its map of servers.
func (p *Process) addProber(c *Config) error {
	o, err := proberOptions(c)
	if err != nil {
		return err
	}
	o.Logger, o.Metrics = p.log, p.metrics
	pr, err := prober.New(o)
	if err != nil {
		return err
	}
	p.probes = pr.Map()
	p.parts.Add(endWork, lifecycle.Part{Name: "prober", Run: pr.Run})
	return nil
}

// ServerDown says whether the prober sees the server at address and port down.
func (p *Process) ServerDown(server string) bool { return p.probes != nil && p.probes.Down(server) }
