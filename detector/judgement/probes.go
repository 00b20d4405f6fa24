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
	// probes in a row that fail until a server is down: where some requests fail everywhere, single
	// probes do, too
	probesDown = 2
)

// vantageServer is what a probe is of.
type vantageServer struct {
	vantage string
	server  string
}

// probed is what a vantage found of a server of late.
type probed struct {
	at     int64 // of the latest probe
	asn    uint32
	failed uint8 // probes in a row up to it, as far as they are asked for
	sure   bool  // the vantage does not doubt itself
}

func (p *probed) ok() bool { return p.failed == 0 }

// AddProbe takes the result of a probe.
func (j *Judge) AddProbe(p Probe) {
	key := vantageServer{p.Vantage, p.Server}
	old, known := j.probes[key]
	if !known && len(j.probes) >= maxProbes {
		j.dropped++
		return
	}
	if p.At < old.at {
		return
	}
	if !known {
		j.watch(p.Server)
	}
	now := probed{at: p.At, asn: p.VantageASN, sure: p.Sure}
	switch {
	case p.Outcome == report.OK:
	case p.Unsettled:
		now.failed = 1
	default:
		now.failed = min(old.failed+1, probesDown)
	}
	j.probes[key] = now
}

// forgetProbes drops results that hold no longer.
func (j *Judge) forgetProbes() {
	maps.DeleteFunc(j.probes, func(_ vantageServer, p probed) bool { return j.now-p.at > probesHold.Milliseconds() })
}

// vantages sums up what each vantage finds of the servers of a scope, or of all, and whether it
// has looked at any of them since onset, when requests began to fail. A server is down
// only if most vantages outside of the scope's networks that can tell say so; one inside speaks for
// itself. A vantage that finds every server down, wherever it looks, and is not sure of itself, may
// be cut off, and says nothing beside others that find them up.
func (t *turn) vantages(s *Scope, onset int64) []verdict.Vantage {
	by := map[string]*verdict.Vantage{}
	reaches := map[string]bool{} // anything at all
	votes := t.votes(s.ASN)
	for key, p := range t.j.probes {
		if t.j.now-p.at > probesHold.Milliseconds() {
			continue
		}
		reaches[key.vantage] = reaches[key.vantage] || p.ok() || p.sure
		if len(s.Server) > 0 && !slices.Contains(s.Server, key.server) {
			continue
		}
		v := by[key.vantage]
		if v == nil {
			v = &verdict.Vantage{Name: key.vantage, ASN: p.asn, Before: true}
			by[key.vantage] = v
		}
		v.Before = v.Before && p.at < onset
		switch {
		case p.ok():
			v.Up++
		case p.failed >= probesDown && (votes[key.server] > 0 || slices.Contains(s.ASN, p.asn)):
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

// votes are, by server, how many more vantages outside of some networks find it down than up.
func (t *turn) votes(networks []uint32) map[string]int {
	votes := map[string]int{}
	for key, p := range t.j.probes {
		switch {
		case t.j.now-p.at > probesHold.Milliseconds() || slices.Contains(networks, p.asn):
		case p.ok():
			votes[key.server]--
		case p.failed >= probesDown:
			votes[key.server]++
		}
	}
	return votes
}

// downTimes is how many times as large a part of the requests must fail at servers that are down as
// at others. Where a part fails anywhere, probes find some down by chance.
const downTimes = 2

// atUp is the share of failures at servers that vantages outside of some networks do not find down,
// among those at servers that they have judged: 1 if requests fail there about as often as at those
// that are down.
func (t *turn) atUp(i *incident, m *numbers, networks []uint32) float64 {
	votes := t.votes(networks)
	var up, down struct{ failed, requests float64 }
	for _, server := range slices.Sorted(maps.Keys(m.byServer)) {
		n, judged := votes[t.j.names.text(kindServer, server)]
		if !judged {
			continue
		}
		x := &down
		if n <= 0 {
			x = &up
		}
		x.failed += m.byServer[server]
		x.requests += t.requestsAt(i.flows, byServer, server)
	}
	if down.failed*up.requests < downTimes*up.failed*down.requests {
		return 1
	}
	return up.failed / max(up.failed+down.failed, 1)
}
