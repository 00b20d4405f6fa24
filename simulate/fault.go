package simulate

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// fault is a Fault whose times and values are settled.
type fault struct {
	*Fault
	start, end int64 // Unix milliseconds
	outcomes   []report.Outcome
	upTo       []float64 // cumulated weights of outcomes
	share      float64
	salt       uint64
	scope      Pick // with everything named that the seed picked

	networks []bool // by index; nil for all, as below
	servers  []bool
	systems  []bool
	protos   []bool
	targets  []bool
	senders  []bool // collectors
	versions map[string]bool
}

// settle works out when a fault happens and who is hit.
func settle(f *Fault, start, jitter int64, p *population, w *World, rng *rand.Rand) *fault {
	s := &fault{Fault: f, start: start + f.Start.Milliseconds() + jitter, share: f.Share, salt: rng.Uint64()}
	s.end = s.start + f.Duration.Milliseconds()
	if s.share == 0 {
		s.share = 1
	}
	names := slices.Sorted(maps.Keys(f.Outcomes))
	sort.SliceStable(names, func(i, j int) bool { return f.Outcomes[names[i]] > f.Outcomes[names[j]] })
	weights, sum := make([]float64, len(names)), 0.0
	for i, name := range names {
		s.outcomes = append(s.outcomes, report.Outcome(name))
		weights[i] = f.Outcomes[name]
		sum += weights[i]
	}
	for i := range weights {
		weights[i] /= sum
	}
	s.upTo = cumulate(weights)
	s.scope = p.pick(&f.Scope, rng)
	s.networks = p.networksIn(&s.scope)
	s.servers = among(s.scope.Server, p.servers)
	s.systems = among(s.scope.OS, systems)
	s.protos = among(s.scope.Protocol, protocols)
	s.senders = among(s.scope.Collector, collectorNames(w.Collectors))
	if f.Target != "" {
		s.targets = among([]string{f.Target}, w.Targets)
	}
	if len(s.scope.Version) > 0 {
		s.versions = map[string]bool{}
		for _, v := range s.scope.Version {
			s.versions[v] = true
		}
	}
	return s
}

// pick names the values that a Pick leaves to the seed.
func (p *population) pick(want *Pick, rng *rand.Rand) Pick {
	named := *want
	if want.NetworkShare > 0 {
		named.ASN = p.networksOf(want.Networks, want.NetworkShare)
	}
	if want.CountryShare > 0 {
		named.Country = []string{p.countries[nearest(p.countryShares(), want.CountryShare)]}
	}
	if want.Servers > 0 {
		named.Server = nil
		for _, i := range rng.Perm(len(p.servers))[:want.Servers] {
			named.Server = append(named.Server, p.servers[i])
		}
		slices.Sort(named.Server)
	}
	return named
}

// networksIn marks the networks that have one of the pick's numbers and countries; nil for all.
func (p *population) networksIn(s *Pick) []bool {
	if len(s.ASN) == 0 && len(s.Country) == 0 {
		return nil
	}
	in := make([]bool, len(p.networks))
	for i, n := range p.networks {
		in[i] = (len(s.ASN) == 0 || slices.Contains(s.ASN, n.asn)) &&
			(len(s.Country) == 0 || slices.Contains(s.Country, p.countries[n.country]))
	}
	return in
}

// among marks which of all are wanted; nil if none is named.
func among(wanted, all []string) []bool {
	if len(wanted) == 0 {
		return nil
	}
	in := make([]bool, len(all))
	for i, a := range all {
		in[i] = slices.Contains(wanted, a)
	}
	return in
}

// level is the fraction of the requests in the scope that are hit at a time.
func (f *fault) level(at int64) float64 {
	if at < f.start || at >= f.end {
		return 0
	}
	since := time.Duration(at-f.start) * time.Millisecond
	if f.On.Duration > 0 && since%(f.On.Duration+f.Off.Duration) >= f.On.Duration {
		return 0
	}
	if since < f.Ramp.Duration {
		return f.share * float64(since) / float64(f.Ramp.Duration)
	}
	return f.share
}

// requests reports whether the fault is one of clients' requests.
func (f *fault) requests() bool { return f.Collector == "" && len(f.Fault.Vantages) == 0 }

// holds reports whether a visit to a target lies in the scope.
func (f *fault) holds(v *visit, version string, target uint8) bool {
	return f.requests() &&
		(f.networks == nil || f.networks[v.network]) && (f.servers == nil || f.servers[v.server]) &&
		(f.systems == nil || f.systems[v.system]) && (f.protos == nil || f.protos[v.protocol]) &&
		(f.targets == nil || f.targets[target]) && (f.senders == nil || f.senders[v.collector]) && (f.versions == nil || f.versions[version])
}

// afflicted reports whether a client has a spell of failing under a fault of last miles. Spells
// last a minute and a half; each client has its own times.
func (f *fault) afflicted(client uint32, at int64) (until int64, hit bool) {
	const spell = 90_000
	turn := at + int64(mix(f.salt, uint64(client))%spell)
	n := turn / spell
	return at + spell - turn%spell, unit(mix(f.salt, uint64(client), uint64(n))) < f.level(at)
}

// outcome draws one.
func (f *fault) outcome(rng *rand.Rand) report.Outcome {
	if len(f.outcomes) == 1 {
		return f.outcomes[0]
	}
	return f.outcomes[draw(f.upTo, rng.Float64())]
}
