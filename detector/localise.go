package detector

import (
	"cmp"
	"math"
	"slices"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
)

// nearlyAsGood is the share of the best score at which a shorter, or the former, scope
// is preferred.
const nearlyAsGood = 0.95

// Evidence, in nats, that the localiser asks for.
const (
	clearlyWell = 3 // that what lies outside of a scope is not hit
	clearlyHit  = 7 // that a further value belongs to a scope
)

// finding is a scope and how well it explains the failures of a window.
type finding struct {
	scope model.Scope
	score float64 // log-likelihood ratio, less the price of having chosen among many
	size  int     // values in the scope, 0: everyone
	sum   windowSums
}

// localise says who is hit: the networks, the servers or the countries that explain the failures of
// the last bins best, or everyone. Per dimension it is a scan over subsets: with values ordered by
// failures over expected failures the best subset is a prefix (linear-time subset scanning, Neill
// 2012), so that the prefixes are all there is to try. The former scope is kept while it is nearly
// as good as the best.
func (g *group) localise(former *model.Scope) finding {
	all := finding{sum: g.all.window()}
	all.score = g.score(all.sum)
	var best finding
	if g.all.alarmed {
		best = all
	}
	for _, dim := range g.dimensions() {
		if f := g.scan(dim); f.size > 0 && f.beats(best) {
			best = f
		}
	}
	if g.all.alarmed && best.size > 0 && all.score >= nearlyAsGood*best.score && !isWell(all.sum, best.sum) {
		best = all
	}
	if best.size == 0 {
		best = all
	}
	if former != nil && (g.all.alarmed || len(former.ASNs) > 0) {
		old := finding{scope: *former, sum: g.within(*former)}
		old.score = g.score(old.sum)
		if !former.Everyone() {
			values := valuesOf(*former)
			old.score -= price(len(values), g.candidates(values[0].dim))
		}
		if old.score >= nearlyAsGood*best.score {
			return old
		}
	}
	return best
}

// beats reports whether f is to be preferred to a finding of another dimension.
func (f finding) beats(o finding) bool {
	switch {
	case o.size == 0:
		return f.score > o.score
	case f.size < o.size:
		return f.score >= nearlyAsGood*o.score
	default:
		return nearlyAsGood*f.score > o.score
	}
}

// dimensions are those that can name a value of such failures, the preferred first. A name is
// resolved before there is a server. What only single networks say is not more than about them: one
// machine in a network could say it.
func (g *group) dimensions() []model.Dimension {
	if !g.all.alarmed {
		return []model.Dimension{model.ByASN}
	}
	if g.outcome.Under("dns") {
		return []model.Dimension{model.ByASN, model.ByCountry}
	}
	return []model.Dimension{model.ByASN, model.ByServer, model.ByCountry}
}

// isWell reports whether what all has beyond part is not hit as part is.
func isWell(all, part windowSums) bool {
	x, e := max(all.x-part.x, 0), max(all.e-part.e, 0)
	ratio := part.x / max(part.e, priorRate)
	return e*(ratio-1)-x*math.Log(max(ratio, 1)) >= clearlyWell
}

// candidate is one value as the scan sees it.
type candidate struct {
	value
	windowSums
}

// candidates is how many values of an dimension the population has.
func (g *group) candidates(dim model.Dimension) int {
	n := 0
	for p := range g.population.exposure {
		if p.dim == dim {
			n++
		}
	}
	return n
}

// score is how much better the failures are explained when those of the sum are abnormal.
func (g *group) score(sum windowSums) float64 { return surprise(sum.x, sum.e) / max(1, g.all.spread) }

// price is what it takes to name size out of so many candidates, in nats. It grows with every name,
// so that "everyone" wins over nearly everyone.
func price(size, candidates int) float64 {
	return float64(size) * math.Log(float64(max(candidates, 1)))
}

// scan finds the best subset of one dimension's values.
func (g *group) scan(dim model.Dimension) finding {
	var values []candidate
	for p, s := range g.series {
		if w := g.expect(s); p.dim == dim && w.x > w.e {
			values = append(values, candidate{p, w})
		}
	}
	slices.SortFunc(values, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.x*a.e, a.x*b.e), cmp.Compare(a.asn, b.asn), cmp.Compare(a.name, b.name))
	})
	candidates := g.candidates(dim)
	var best finding
	var sum windowSums
	var members []value
	for i, v := range values {
		if i > 0 && g.score(v.windowSums) < clearlyHit {
			continue
		}
		sum.add(v.windowSums)
		members = append(members, v.value)
		if len(members) == candidates { // that is everyone
			break
		}
		if score := g.score(sum) - price(len(members), candidates); nearlyAsGood*score > best.score {
			best = finding{score: score, size: len(members), sum: sum}
		}
	}
	for _, p := range members[:best.size] {
		addValue(&best.scope, p)
	}
	sortScope(&best.scope)
	return best
}

// addValue names one more value in a scope.
func addValue(s *model.Scope, p value) {
	switch p.dim {
	case model.ByASN:
		s.ASNs = append(s.ASNs, p.asn)
	case model.ByServer:
		s.Servers = append(s.Servers, p.name)
	case model.ByCountry:
		s.Countries = append(s.Countries, p.name)
	}
}

func sortScope(s *model.Scope) {
	slices.Sort(s.ASNs)
	slices.Sort(s.Servers)
	slices.Sort(s.Countries)
}

// valuesOf are the values of a scope; everyone is one.
func valuesOf(s model.Scope) []value {
	var all []value
	for _, v := range s.ASNs {
		all = append(all, value{dim: model.ByASN, asn: v})
	}
	for _, v := range s.Countries {
		all = append(all, value{dim: model.ByCountry, name: v})
	}
	for _, v := range s.Servers {
		all = append(all, value{dim: model.ByServer, name: v})
	}
	if all == nil {
		all = []value{everyone}
	}
	return all
}

// within sums the last bins over a scope.
func (g *group) within(s model.Scope) windowSums {
	var sum windowSums
	for _, p := range valuesOf(s) {
		if s := g.series[p]; s != nil {
			sum.add(g.expect(s))
		}
	}
	return sum
}

// expect is the window of a value with what the localiser expects of it: the group's rate counts
// there for as many requests as make up one failure. Else a value with hardly any history would be
// expected to be far better than all together, or, after a single failure by chance, far worse.
func (g *group) expect(s *series) windowSums {
	w := s.window()
	if all := g.all.window(); s != g.all && all.n > 0 {
		w.e = w.n * (1 + s.a) / (all.n/all.e + s.b)
	}
	return w
}

// clientsWithin counts the distinct clients with failures in a scope.
func (g *group) clientsWithin(s model.Scope) int {
	var who sketch.Clients
	for _, p := range valuesOf(s) {
		if s := g.series[p]; s != nil {
			s.addClients(&who)
		}
	}
	return who.Count()
}
