package roles

import (
	"cmp"
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/prober"
	"github.com/heliograph-net/heliograph/prober/heartbeat"
)

// localVantage names the vantage of a prober whose results stay in its process.
const localVantage = "local"

// directHold is how long results wait before they are handed to the detector of the same process,
// so that they can be stored together.
const directHold = time.Second

// addProber adds a prober. With a policy, an agent delivers its results to the collectors. Without
// one, the detector of this process gets them. If there is no detector either, the prober's own
// heat map is shown.
func (p *Process) addProber(c *Config, version string) error {
	o, err := proberOptions(c)
	if err != nil {
		return err
	}
	o.Logger, o.Metrics = p.log, p.metrics
	o.Vantage, o.ASN, o.Version = cmp.Or(c.Prober.Vantage, localVantage), c.Prober.VantageASN, version
	beats := heartbeat.NewReceiver(cmp.Or(c.Prober.Vantage, localVantage))
	racks, beating, err := c.heartbeats(beats)
	if err == nil {
		err = beats.Reload(racks)
	}
	if err != nil {
		return err
	}
	o.Targets = append(o.Targets, beating...)
	o.TargetMetrics = c.Prober.TargetMetrics
	part := lifecycle.Part{Name: "prober"}
	switch {
	case c.Prober.Policy != "":
		d, err := newDelivery(c, version, p.log, p.metrics)
		if err != nil {
			return err
		}
		o.Deliver, part.Close = d.AddProbeResults, d.close
		p.checks["delivery"] = d.check
	case p.detector != nil:
		o.Deliver, o.Hold = p.detector.AddProbes, directHold
	}
	pr, err := prober.New(o)
	if err != nil {
		if part.Close != nil {
			err = errors.Join(err, part.Close())
		}
		return err
	}
	if part.Run = pr.Run; p.detector == nil {
		p.probes = pr.Map()
	}
	p.expect(c, o.Targets)
	p.parts.Add(endProber, part)
	if err := errors.Join(p.addScrape(c, o.Env), p.addHeartbeats(c, beats), p.addSweep(c, pr, &o)); err != nil {
		return err
	}
	group := &probing{process: p, prober: pr, beats: beats, config: c}
	p.reloads.add("prober", group.reload)
	if err := p.addDiscovery(c, group); err != nil {
		return err
	}
	p.reloads.fix(map[string]func(*Config) any{
		"prober.vantage":        func(c *Config) any { return c.Prober.Vantage },
		"prober.vantage_asn":    func(c *Config) any { return c.Prober.VantageASN },
		"prober.target_metrics": func(c *Config) any { return c.Prober.TargetMetrics },
		"prober.policy":         func(c *Config) any { return c.Prober.Policy },
		"prober.spool":          func(c *Config) any { return c.Prober.Spool },
		"prober.collectors_ca":  func(c *Config) any { return c.Prober.CollectorsCA },
	})
	return nil
}

// expect shows targets on the detector's heat map before their first results.
func (p *Process) expect(c *Config, targets []prober.Target) {
	if p.detector == nil || c.Prober.Policy != "" {
		return
	}
	all := make([]model.ProbeTarget, len(targets))
	for i := range targets {
		t := &targets[i]
		all[i] = model.ProbeTarget{
			Name: t.Name, Address: t.Spec.Address(), Kind: t.Spec.Kind(),
			Region: t.Region, DataCentre: t.DataCentre, Cluster: t.Cluster, Row: t.Row,
		}
	}
	p.detector.ExpectProbes(all)
}

// reloadProber applies targets, with those that were found, and witnesses to a prober and
// describes them.
func reloadProber(c *Config, pr *prober.Prober, beats *heartbeat.Receiver, found []prober.Target) (o prober.Options, told []any, err error) {
	if o, err = proberOptions(c); err != nil {
		return o, nil, err
	}
	racks, beating, err := c.heartbeats(beats)
	if err != nil {
		return o, nil, err
	}
	o.Targets = append(append(o.Targets, beating...), found...)
	err = pr.Reload(prober.Settings{
		Targets: o.Targets, Witnesses: o.Witnesses, Maintenance: o.Maintenance, Env: o.Env,
		Interval: o.Interval, Timeout: o.Timeout, DownAfter: o.DownAfter,
	})
	if err != nil {
		return o, nil, err
	}
	if err := beats.Reload(racks); err != nil {
		return o, nil, err
	}
	return o, []any{"targets", len(o.Targets), "witnesses", len(o.Witnesses), "interval", o.Interval.String()}, nil
}

// ServerDown reports whether probes find the server at an address and port down.
func (p *Process) ServerDown(server string) bool { return p.probes != nil && p.probes.Down(server) }
