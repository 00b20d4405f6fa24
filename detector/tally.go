package detector

import (
	"maps"
	"slices"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Bounds on what one population may make the detector remember: all names in it come from clients.
const (
	maxOutcomes = 64   // outcomes; further ones count as report.Unknown
	maxClients  = 4096 // distinct failing clients remembered per series and bin
	clipFactor  = 10   // no client counts for more than so many times the median client
	clipFloor   = 10   // and for no less than this many requests
)

// attribute is what a place is a value of.
type attribute uint8

const (
	everyone attribute = iota
	byASN
	byServer
	byCountry
)

// place is one value of one attribute. The zero value is everyone.
type place struct {
	attr attribute
	asn  uint32
	name string
}

// nameless is everyone.
var nameless = place{}

// known reports whether the place is a real value and not the lack of one. Failures to resolve a
// name have no server, for instance, so that "no server" would look like a place where
// everything fails.
func (p place) known() bool {
	switch p.attr {
	case byASN:
		return p.asn != 0
	case byServer:
		return p.name != ""
	case byCountry:
		return p.name != "" && p.name != model.UnknownCountry
	default:
		return true
	}
}

// population is who is compared with whom: the requests of one application to one target, seen by
// one kind of reporter.
type population struct {
	app, target string
	source      report.Source
}

// tally is one bin of one population.
type tally struct {
	cells    []Cell
	exposure map[place]float64 // estimated requests, clipped per client
	outcomes map[report.Outcome]*failures
}

// failures are the failed requests of one outcome in one bin.
type failures struct {
	x       map[place]float64             // raw failures, clipped per client
	clients map[place]map[uint64]struct{} // who failed
	// raw over estimated: the fraction of failures that is reported at all
	sampled float64
}

// tested reports whether an outcome is a failure that can stand for a fault. A caller who gave up
// says nothing about the service, and dns.address_changed may be a request that succeeded (Network
// Error Logging, section 5.2).
func tested(o report.Outcome) bool {
	return o != report.OK && o != report.Abandoned && o != report.DNSAddressChanged
}

// tallyUp sorts the cells of one bin by population; sum is to follow.
func tallyUp(cells []Cell) map[population]*tally {
	all := map[population]*tally{}
	for _, c := range cells {
		key := population{c.App, c.Target, c.Source}
		t := all[key]
		if t == nil {
			t = &tally{exposure: map[place]float64{}, outcomes: map[report.Outcome]*failures{}}
			all[key] = t
		}
		t.cells = append(t.cells, c)
	}
	return all
}

// places are where a cell counts.
func (c *Cell) places() [4]place {
	return [4]place{nameless, {attr: byASN, asn: c.ASN}, {attr: byServer, name: c.Server}, {attr: byCountry, name: c.Country}}
}

// sum adds the cells up, under the outcomes that c admits.
func (t *tally) sum(c *crowd) {
	weight := exposureWeights(t.cells)
	byOutcome := map[report.Outcome][]Cell{}
	for i := range t.cells {
		cell := &t.cells[i]
		for _, p := range cell.places() {
			if p.known() {
				t.exposure[p] += cell.Estimated * weight[cell.Client]
			}
		}
		if tested(cell.Outcome) {
			o := c.admit(cell.Outcome)
			if byOutcome[o] == nil && len(byOutcome) >= maxOutcomes {
				o = report.Unknown
			}
			byOutcome[o] = append(byOutcome[o], *cell)
		}
	}
	for o, cells := range byOutcome {
		t.outcomes[o] = sumFailures(cells)
	}
	t.cells = nil
}

func sumFailures(cells []Cell) *failures {
	raw, estimated := sumByClient(cells)
	f := &failures{x: map[place]float64{}, clients: map[place]map[uint64]struct{}{}, sampled: fraction(raw, estimated)}
	weight := clip(raw, clipFloor)
	for i := range cells {
		c := &cells[i]
		for _, p := range c.places() {
			if p.known() {
				f.x[p] += float64(c.Raw) * weight[c.Client]
				f.saw(p, c.Client)
			}
		}
	}
	return f
}

// sumByClient sums the requests of each client, as reported and as estimated.
func sumByClient(cells []Cell) (raw, estimated map[uint64]float64) {
	raw, estimated = map[uint64]float64{}, map[uint64]float64{}
	for i := range cells {
		raw[cells[i].Client] += float64(cells[i].Raw)
		estimated[cells[i].Client] += cells[i].Estimated
	}
	return raw, estimated
}

// fraction is the fraction of failures that is reported: one for agents, less for browsers whose
// policy says so. All honest clients claim the same, so the median client's is taken: a sum would
// let one client shrink the exposure of all.
func fraction(raw, estimated map[uint64]float64) float64 {
	claims := make([]float64, 0, len(raw))
	for client, r := range raw {
		claims = append(claims, min(1, r/max(estimated[client], 1)))
	}
	slices.Sort(claims)
	return claims[len(claims)/2]
}

func (f *failures) saw(p place, client uint64) {
	who := f.clients[p]
	if who == nil {
		who = map[uint64]struct{}{}
		f.clients[p] = who
	}
	if len(who) < maxClients {
		who[client] = struct{}{}
	}
}

// exposureWeights returns the factor by which each client's requests count as exposure. Clipped are
// both the requests that a client reports and the weight that it claims for them (one over the
// probability with which it sends a window without failures), because either could be invented to
// hide an outage. The honest weights are all alike: they come from one policy.
func exposureWeights(cells []Cell) map[uint64]float64 {
	raw, claimed := sumByClient(cells)
	for client := range claimed {
		if claimed[client] > raw[client] && raw[client] > 0 {
			claimed[client] /= raw[client]
		} else {
			delete(claimed, client)
		}
	}
	weight := clip(raw, clipFloor)
	for client, w := range clip(claimed, 1) {
		weight[client] *= w
	}
	return weight
}

// clip returns the factor that brings each client's value down to clipFactor times the median
// client's, or to floor if that is more. Without it one client could fake an outage, or hide one
// behind invented successes.
func clip(values map[uint64]float64, floor float64) map[uint64]float64 {
	if len(values) == 0 {
		return nil
	}
	sorted := slices.Sorted(maps.Values(values))
	limit := max(floor, clipFactor*sorted[(len(sorted)-1)/2])
	weight := make(map[uint64]float64, len(values))
	for client, v := range values {
		weight[client] = min(1, limit/max(v, 1))
	}
	return weight
}
