package roles

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/natsgroup"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

// addGroup has the detector open batches with the others of its group, if it has one.
func (p *Process) addGroup(c *Config, o *detector.Options) error {
	if c.Detector.Group == nil {
		return nil
	}
	g, err := natsgroup.New(groupOptions(c, p.log, p.metrics))
	if err != nil {
		return err
	}
	o.Opener = g
	p.parts.Add(endWork, lifecycle.Part{Name: "group", Run: g.Run})
	return nil
}

// groupOptions returns the options of the detector's group, which the configuration has.
func groupOptions(c *Config, log *slog.Logger, metrics prometheus.Registerer) natsgroup.Options {
	g := c.Detector.Group
	return natsgroup.Options{ID: g.ID, Member: g.Member, Servers: g.Servers, Credentials: c.File(g.Credentials), CA: c.File(g.CA),
		Certificate: c.File(g.Certificate), Key: c.File(g.Key), Logger: log, Metrics: metrics}
}
