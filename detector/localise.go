package detector

import (
	"cmp"
	"math"
	"slices"

	"github.com/heliograph-net/heliograph/model"
)

// nearlyAsGood is the share of the best score at which a shorter, or the former, scope
// is preferred.
const nearlyAsGood = 0.95

// Evidence, in nats, that the localiser asks for.
const (
	clearlyWell = 3 // that what lies outside of a scope is not hit
	clearlyHit  = 7 // that a further value belongs to a scope
)

// finding is a scope and how well it explains the failures of a stretch.
type finding struct {
	scope model.Scope
	score float64 // log-likelihood ratio, less the price of having chosen among many
	size  int     // values in the scope, 0: everyone
	sum   stretch
}

// localise says who is hit: the networks, the servers or the countries that explain the failures of
// the last bins best, or everyone. Per attribute it is a scan over subsets: with values ordered by
// failures over expected failures the best subset is a prefix (linear-time subset scanning, Neill
// 2012), so that the prefixes are all there is to try. The former scope is kept while it is nearly
// as good as the best.
func (g *group) localise(former *model.Scope) finding {
	all := finding{sum: g.all.stretch()}
	all.score = g.score(all.sum)
	var best finding
	if g.all.alarmed {
		best = all
	}
	for _, attr := range g.attributes() {
		if f := g.scan(attr); f.size > 0 && f.beats(best) {
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
			places := placesOf(*former)
			old.score -= price(len(places), g.candidates(places[0].attr))
		}
		if old.score >= nearlyAsGood*best.score {
			return old
		}
	}
	return best
}

// beats reports whether f is to be preferred to a finding of another attribute.
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

// attributes are those that can name a place of such failures, the preferred first. A name is
// resolved before there is a server. What only single networks say is not more than about them: one
// machine in a network could say it.
func (g *group) attributes() []attribute {
	if !g.all.alarmed {
		return []attribute{byASN}
	}
	if g.outcome.Under("dns") {
		return []attribute{byASN, byCountry}
	}
	return []attribute{byASN, byServer, byCountry}
}

// isWell reports whether what all has beyond part is not hit as part is.
func isWell(all, part stretch) bool {
	x, e := max(all.x-part.x, 0), max(all.e-part.e, 0)
	ratio := part.x / max(part.e, priorRate)
	return e*(ratio-1)-x*math.Log(max(ratio, 1)) >= clearlyWell
}

// value is one place as the scan sees it.
type value struct {
	place
	stretch
}

// candidates is how many values of an attribute the population has.
func (g *group) candidates(attr attribute) int {
	n := 0
	for p := range g.crowd.exposure {
		if p.attr == attr {
			n++
		}
	}
	return n
}

// score is how much better the failures are explained when those of the sum are abnormal.
func (g *group) score(sum stretch) float64 { return surprise(sum.x, sum.e) / max(1, g.all.spread) }

// price is what it takes to name size out of so many candidates, in nats. It grows with every name,
// so that "everyone" wins over nearly everyone.
func price(size, candidates int) float64 {
	return float64(size) * math.Log(float64(max(candidates, 1)))
}

// scan finds the best subset of one attribute's values.
func (g *group) scan(attr attribute) finding {
	var values []value
	for p, s := range g.series {
		if w := g.expect(s); p.attr == attr && w.x > w.e {
			values = append(values, value{p, w})
		}
	}
	slices.SortFunc(values, func(a, b value) int {
		return cmp.Or(cmp.Compare(b.x*a.e, a.x*b.e), cmp.Compare(a.asn, b.asn), cmp.Compare(a.name, b.name))
	})
	candidates := g.candidates(attr)
	var best finding
	var sum stretch
	var members []place
	for i, v := range values {
		if i > 0 && g.score(v.stretch) < clearlyHit {
			continue
		}
		sum.add(v.stretch)
		members = append(members, v.place)
		if len(members) == candidates { // that is everyone
			break
		}
		if score := g.score(sum) - price(len(members), candidates); nearlyAsGood*score > best.score {
			best = finding{score: score, size: len(members), sum: sum}
		}
	}
	for _, p := range members[:best.size] {
		addPlace(&best.scope, p)
	}
	sortScope(&best.scope)
	return best
}

// addPlace names one more place in a scope.
func addPlace(s *model.Scope, p place) {
	switch p.attr {
	case byASN:
		s.ASNs = append(s.ASNs, p.asn)
	case byServer:
		s.Servers = append(s.Servers, p.name)
	case byCountry:
		s.Countries = append(s.Countries, p.name)
	}
}

func sortScope(s *model.Scope) {
	slices.Sort(s.ASNs)
	slices.Sort(s.Servers)
	slices.Sort(s.Countries)
}

// placesOf are the places of a scope; everyone is one.
func placesOf(s model.Scope) []place {
	var all []place
	for _, v := range s.ASNs {
		all = append(all, place{attr: byASN, asn: v})
	}
	for _, v := range s.Countries {
		all = append(all, place{attr: byCountry, name: v})
	}
	for _, v := range s.Servers {
		all = append(all, place{attr: byServer, name: v})
	}
	if all == nil {
		all = []place{nameless}
	}
	return all
}

// within sums the last bins over a scope.
func (g *group) within(s model.Scope) stretch {
	var sum stretch
	for _, p := range placesOf(s) {
		if s := g.series[p]; s != nil {
			sum.add(g.expect(s))
		}
	}
	return sum
}

// expect is the stretch of a place with what the localiser expects of it: the group's rate counts
// there for as many requests as make up one failure. Else a place with hardly any history would be
// expected to be far better than all together, or, after a single failure by chance, far worse.
func (g *group) expect(s *series) stretch {
	w := s.stretch()
	if all := g.all.stretch(); s != g.all && all.n > 0 {
		w.e = w.n * (1 + s.a) / (all.n/all.e + s.b)
	}
	return w
}

// clientsWithin counts the distinct clients with failures in a scope.
func (g *group) clientsWithin(s model.Scope) int {
	who := map[uint64]struct{}{}
	for _, p := range placesOf(s) {
		if s := g.series[p]; s != nil {
			s.addClients(who)
		}
	}
	return len(who)
}
