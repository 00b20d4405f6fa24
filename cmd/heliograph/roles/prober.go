package roles

import (
	"cmp"
	"errors"

	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/prober"
)

// localVantage names the vantage of a prober whose results stay in its process.
const localVantage = "local"

// addProber adds a prober. With a policy an agent takes its results to the collectors. Without one
// the detector of this process has them, or else the map that the prober keeps itself is shown.
func (p *Process) addProber(c *Config) error {
	o, err := proberOptions(c)
	if err != nil {
		return err
	}
	o.Logger, o.Metrics = p.log, p.metrics
	o.Vantage, o.ASN, o.Version = cmp.Or(c.Prober.Vantage, localVantage), c.Prober.VantageASN, c.Version
	part := lifecycle.Part{Name: "prober"}
	switch {
	case c.Prober.Policy != "":
		d, err := newDelivery(c, p.log, p.metrics)
		if err != nil {
			return err
		}
		o.Deliver, part.Close = d.AddProbeResults, d.close
		p.checks["delivery"] = d.check
	case p.detector != nil:
		o.Deliver = p.detector.AddProbes
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
	p.parts.Add(endWork, part)
	return nil
}

// ServerDown says whether probes find the server at address and port down.
func (p *Process) ServerDown(server string) bool { return p.probes != nil && p.probes.Down(server) }
