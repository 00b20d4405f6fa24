package judgement

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/detector/verdict"
	"github.com/heliograph-net/heliograph/report"
)

const (
	maxProbes  = 20_000
	probesHold = 5 * time.Minute // after which the result of a probe says nothing any more
)

// vantageServer is what a probe is of.
type vantageServer struct {
	vantage string
	server  string
}

// probed is the latest result of a vantage about a server.
type probed struct {
	at  int64
	asn uint32
	ok  bool
}

// AddProbe takes the result of a probe.
func (j *Judge) AddProbe(p Probe) {
	key := vantageServer{p.Vantage, p.Server}
	old, known := j.probes[key]
	if !known && len(j.probes) >= maxProbes {
		j.dropped++
		return
	}
	if p.At >= old.at {
		j.probes[key] = probed{p.At, p.VantageASN, p.Outcome == report.OK}
	}
}

// forgetProbes drops results that hold no longer.
func (j *Judge) forgetProbes() {
	maps.DeleteFunc(j.probes, func(_ vantageServer, p probed) bool { return j.now-p.at > probesHold.Milliseconds() })
}

// vantages sums up what each vantage finds of the servers of a scope, or of all. A vantage that
// finds every server down, wherever it looks, may itself be cut off, and says nothing beside others
// that find them up.
func (t *turn) vantages(servers []string) []verdict.Vantage {
	by := map[string]*verdict.Vantage{}
	reaches := map[string]bool{} // anything at all
	for key, p := range t.j.probes {
		if t.j.now-p.at > probesHold.Milliseconds() {
			continue
		}
		reaches[key.vantage] = reaches[key.vantage] || p.ok
		if len(servers) > 0 && !slices.Contains(servers, key.server) {
			continue
		}
		v := by[key.vantage]
		if v == nil {
			v = &verdict.Vantage{Name: key.vantage, ASN: p.asn}
			by[key.vantage] = v
		}
		if p.ok {
			v.Up++
		} else {
			v.Down++
		}
	}
	any := false
	for name := range by {
		any = any || reaches[name]
	}
	var all []verdict.Vantage
	for name, v := range by {
		if reaches[name] || !any {
			all = append(all, *v)
		}
	}
	slices.SortFunc(all, func(a, b verdict.Vantage) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
