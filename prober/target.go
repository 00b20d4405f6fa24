package prober

import (
	"errors"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// Target is one server to probe and its place in the topology.
type Target struct {
	Name string     // unique among the targets; the server's name in the map
	Spec probe.Spec // how it is probed, see package kinds; required

	Region, DataCentre, Cluster, Row string // may be empty

	Timeout time.Duration // limits one attempt; 0: Options.Timeout
}

var errNoSpec = errors.New("spec: missing; say how it is probed")

// Topology returns the topology of targets with their addresses, for [heatmap.NewMap]. The error
// names the targets at fault.
func Topology(targets []Target) (*heatmap.Topology, error) {
	servers := make([]heatmap.Server, len(targets))
	for i := range targets {
		t := &targets[i]
		servers[i] = heatmap.Server{
			Name: t.Name, Region: t.Region, DataCentre: t.DataCentre, Cluster: t.Cluster, Row: t.Row,
		}
		if t.Spec != nil {
			servers[i].Address = t.Spec.Address()
		}
	}
	topology, err := heatmap.NewTopology(servers)
	if err != nil {
		return nil, fmt.Errorf("topology of the targets: %w", err)
	}
	return topology, nil
}

// probe returns the target's probe.
func (t *Target) probe(env probe.Env) (probe.Func, error) {
	if t.Spec == nil {
		return nil, errNoSpec
	}
	return t.Spec.Probe(env)
}

// described returns the description of t in records of results.
func (t *Target) described() report.ProbeTarget {
	return report.ProbeTarget{
		Name: t.Name, Address: t.Spec.Address(), Kind: t.Spec.Kind(),
		Region: t.Region, DataCentre: t.DataCentre, Cluster: t.Cluster, Row: t.Row,
	}
}

// fits reports whether a record of results can contain the description of t.
func (t *Target) fits() bool {
	d := t.described()
	return d.Name != "" && d.Kind != "" && fits(d.Name) && fits(d.Address) && fits(d.Kind) &&
		fits(d.Region) && fits(d.DataCentre) && fits(d.Cluster) && fits(d.Row)
}
