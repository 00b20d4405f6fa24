package simulate

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// fault is a Fault whose times and scope are determined.
type fault struct {
	*Fault
	start, end int64 // Unix milliseconds
	outcomes   []report.Outcome
	upTo       []float64 // cumulated weights of outcomes
	share      float64
	salt       uint64
	scope      Pick // all of its values are named, including those that the seed chose

	networks []bool // by index; nil means all, as in the following fields
	servers  []bool
	systems  []bool
	protos   []bool
	targets  []bool
	senders  []bool // collectors
	versions map[string]bool
}

// settle determines when a fault happens and whom it hits.
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

// pick names the values that want leaves to the seed.
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

// networksIn reports for each network whether it has one of the pick's numbers and countries. It
// returns nil, which means all, if the pick names none.
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

// among reports for each value of all whether it is wanted. It returns nil, which means all, if
// wanted is empty.
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

// level returns the fraction of the requests in the scope that are hit at a time, in Unix
// milliseconds.
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

// requests reports whether the fault hits requests of clients.
func (f *fault) requests() bool { return f.Collector == "" && len(f.Fault.Vantages) == 0 }

// holds reports whether the fault's scope contains a visit's request to a target.
func (f *fault) holds(v *visit, version string, target uint8) bool {
	return f.requests() &&
		(f.networks == nil || f.networks[v.network]) && (f.servers == nil || f.servers[v.server]) &&
		(f.systems == nil || f.systems[v.system]) && (f.protos == nil || f.protos[v.protocol]) &&
		(f.targets == nil || f.targets[target]) && (f.senders == nil || f.senders[v.collector]) && (f.versions == nil || f.versions[version])
}

// afflicted reports whether a fault with LastMile makes a client fail at a time, and until when
// that holds. Time is divided into spells of a minute and a half, which begin at different times
// for each client.
func (f *fault) afflicted(client uint32, at int64) (until int64, hit bool) {
	const spell = 90_000
	turn := at + int64(mix(f.salt, uint64(client))%spell)
	n := turn / spell
	return at + spell - turn%spell, unit(mix(f.salt, uint64(client), uint64(n))) < f.level(at)
}

// outcome draws one of the fault's outcomes by their weights.
func (f *fault) outcome(rng *rand.Rand) report.Outcome {
	if len(f.outcomes) == 1 {
		return f.outcomes[0]
	}
	return f.outcomes[draw(f.upTo, rng.Float64())]
}
