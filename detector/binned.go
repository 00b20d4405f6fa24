package detector

import (
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// maxOutcomes bounds what one population may make the detector remember: outcomes come from
// clients. Further ones count as what they roll up to, or as report.Unknown.
const maxOutcomes = 64

// populationKey is who is compared with whom: the requests of one application to one target, seen
// by one kind of reporter.
type populationKey struct {
	app, target string
	source      report.Source
}

// binned is one bin of one population.
type binned struct {
	cells    []*Cell
	exposure map[value]float64 // estimated requests, clipped
	outcomes map[report.Outcome]*failures
}

// failures are the failed requests of one outcome in one bin.
type failures struct {
	x       map[value]float64 // raw failures, clipped
	clients map[value]*sketch.Clients
	places  map[value]*sketch.Places // of everyone and of networks
	sampled float64                  // raw over estimated: the fraction of failures that is reported at all
}

// tested reports whether an outcome is a failure that can stand for a fault. A caller who gave up
// says nothing about the service, and dns.address_changed may be a request that succeeded (Network
// Error Logging, section 5.2).
func tested(o report.Outcome) bool {
	return o != report.OK && o != report.Abandoned && o != report.DNSAddressChanged
}

// judged reports whether a cell is looked at. Requests that repeat a failed one, or whose client
// changed its network, are left out: the first would count a fault as often as applications try
// again, the second are faults of the client's own.
func judged(c *Cell) bool { return c.Flags == 0 }

// byPopulation sorts the cells of one bin by population; sum is to follow.
func byPopulation(cells []Cell) map[populationKey]*binned {
	all := map[populationKey]*binned{}
	for i := range cells {
		c := &cells[i]
		if !judged(c) {
			continue
		}
		key := populationKey{c.App, c.Target, c.Source}
		b := all[key]
		if b == nil {
			b = &binned{exposure: map[value]float64{}, outcomes: map[report.Outcome]*failures{}}
			all[key] = b
		}
		b.cells = append(b.cells, c)
	}
	return all
}

// sum adds the cells up, under the outcomes that p admits.
func (b *binned) sum(p *population) {
	byOutcome := map[report.Outcome][]*Cell{}
	clips := newClips(b.cells)
	for _, c := range b.cells {
		n := clips.exposure(c)
		for _, v := range c.values() {
			if v.known() {
				b.exposure[v] += n
			}
		}
		if tested(c.Outcome) {
			o := p.admit(c.Outcome)
			if byOutcome[o] == nil && len(byOutcome) >= maxOutcomes {
				o = report.Unknown
			}
			byOutcome[o] = append(byOutcome[o], c)
		}
	}
	for o, cells := range byOutcome {
		b.outcomes[o] = sumFailures(cells)
	}
	b.cells = nil
}

func sumFailures(cells []*Cell) *failures {
	f := &failures{x: map[value]float64{}, clients: map[value]*sketch.Clients{}, places: map[value]*sketch.Places{}, sampled: sampledFraction(cells)}
	limit := wholeLimit(cells)
	clips := newPlaceClips(cells, func(p sketch.Place) float64 { return float64(p.Raw) }, limit)
	for _, c := range cells {
		x := clippedRaw(c, limit, clips)
		f.sawAt(everyone, &c.Places)
		f.sawAt(value{dim: model.ByASN, asn: c.ASN}, &c.Places)
		for _, v := range c.values() {
			if v.known() {
				f.x[v] += x
				f.saw(v, &c.Clients)
			}
		}
	}
	for v, who := range f.clients {
		f.x[v] = min(f.x[v], float64(who.Count())*limit)
	}
	return f
}

func (f *failures) sawAt(v value, places *sketch.Places) {
	if f.places[v] == nil {
		f.places[v] = &sketch.Places{}
	}
	f.places[v].Merge(places)
}

func (f *failures) saw(v value, clients *sketch.Clients) {
	who := f.clients[v]
	if who == nil {
		who = &sketch.Clients{}
		f.clients[v] = who
	}
	who.Merge(clients)
}
