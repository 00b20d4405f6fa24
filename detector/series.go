package detector

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Bounds on the detector's memory. A full series takes some 400 bytes.
const (
	maxPopulations = 10_000
	maxSeries      = 300_000
	maxValues      = 300_000
	sweepBins      = 256 // how often what is not seen any more is forgotten
)

// relearnAfter is how long an incident may last until its failures are learned as the new normal.
// Without an end, a release that turned some requests into failures on purpose would be an
// incident for ever.
const relearnAfter = 72 * time.Hour

// SeriesOptions of a SeriesDetector.
type SeriesOptions struct {
	Bin         time.Duration // width of a bin; required
	Thresholds  Thresholds
	Probes      Probes                  // optional
	NetworkName func(asn uint32) string // optional
}

// SeriesDetector finds incidents in a sequence of bins. It has no clock and no goroutine: the same
// bins give the same events. It is not safe for concurrent use.
//
// A group is one outcome of one population (application, target, kind of reporter). For the group
// as a whole and for each network (AS) it keeps the discounted gamma-Poisson baseline of failures
// per request, shrunk to the parent where little is known, and asks of every bin how improbable its
// failures are. Counts are raw: weights of sampled windows go into the exposure only.
//
// One machine cannot raise an alarm: no client counts for more than ten times the median one,
// failures must exceed the threshold in requests and in distinct clients, and clients must exceed
// what is usual by the ratio as well. But the tokens that tell clients apart are the clients' own
// claims; a machine that invents tokens is limited only by what it cannot invent, its network as
// the collector saw it. Therefore the group as a whole alarms only if it would without its worst
// Thresholds.Networks-1 networks (or without all but one, when the population lives in fewer), and
// a single network alarms only by the clients within it. Thus forged tokens can at worst raise an
// incident about the forger's own network, whose evidence says so.
type SeriesDetector struct {
	o           SeriesOptions
	bins        uint64 // steps so far; bins % Window is the slot of the newest one
	populations map[populationKey]*population
	series      int // in all groups
	values      int // in all populations
	dropped     uint64
	incidents   []*openIncident
	known       []model.Incident // from Restore
	lastID      int64
}

// population is the state of one population.
type population struct {
	populationKey
	exposure map[value]*exposure
	groups   map[report.Outcome]*group
}

// exposure is what is known of the requests at one value, whatever became of them.
type exposure struct {
	b     float64 // discounted sum
	usual float64 // moving average per bin
	seen  uint64  // the bin in which there were some last
}

// NewSeriesDetector checks the options.
func NewSeriesDetector(o SeriesOptions) (*SeriesDetector, error) {
	if err := o.Thresholds.validate(); err != nil {
		return nil, err
	}
	if o.Bin <= 0 {
		return nil, errors.New("bin must be positive")
	}
	if o.NetworkName == nil {
		o.NetworkName = func(uint32) string { return "" }
	}
	return &SeriesDetector{o: o, populations: map[populationKey]*population{}}, nil
}

// Dropped counts the series and values that were not taken up because the detector remembers a
// bounded number of them. Their requests count in the group as a whole all the same.
func (d *SeriesDetector) Dropped() uint64 { return d.dropped }

// Step takes the bin that ends at end. Bins come in order, the empty ones too; after a gap it goes
// on as if there had been none.
func (d *SeriesDetector) Step(end time.Time, cells []Cell) []model.Event {
	d.adopt()
	d.observe(end, cells)
	return d.judge(end)
}

// Replay takes a bin that was evaluated before, to learn what is normal. It raises nothing.
func (d *SeriesDetector) Replay(end time.Time, cells []Cell) { d.observe(end, cells) }

func (d *SeriesDetector) slot() int { return int(d.bins % uint64(d.o.Thresholds.Window)) }

// observe gives a bin to every series.
func (d *SeriesDetector) observe(end time.Time, cells []Cell) {
	d.bins++
	bins := byPopulation(cells)
	for key, b := range bins {
		if pop := d.populationFor(key); pop != nil {
			b.sum(pop)
			d.openGroups(pop, b)
		}
	}
	empty := &binned{}
	for key, pop := range d.populations {
		b := bins[key]
		if b == nil {
			b = empty
		}
		d.observePopulation(pop, b, end)
	}
	if d.bins%sweepBins == 0 {
		d.sweep()
	}
}

// populationFor finds or makes a population; nil when there are too many.
func (d *SeriesDetector) populationFor(key populationKey) *population {
	pop := d.populations[key]
	if pop != nil {
		return pop
	}
	if len(d.populations) >= maxPopulations {
		d.dropped++
		return nil
	}
	pop = &population{populationKey: key, exposure: map[value]*exposure{}, groups: map[report.Outcome]*group{}}
	d.populations[key] = pop
	return pop
}

// admit is the outcome under which o is counted: itself, or what it rolls up to when clients have
// brought too many.
func (pop *population) admit(o report.Outcome) report.Outcome {
	for ; o != ""; o = o.Parent() {
		if pop.groups[o] != nil || len(pop.groups) < maxOutcomes {
			return o
		}
	}
	return report.Unknown
}

func (d *SeriesDetector) observePopulation(pop *population, b *binned, end time.Time) {
	for _, g := range pop.groups {
		f := b.outcomes[g.outcome]
		g.observe(d.slot(), b, f, &d.o.Thresholds)
		if d.masked(g, end) {
			g.mask()
			if g.hot(d.slot(), false) {
				g.lastBad = end
			}
		}
	}
	for p, n := range b.exposure {
		e := pop.exposure[p]
		if e == nil {
			if d.values >= maxValues && p != everyone {
				d.dropped++
				continue
			}
			e = &exposure{}
			pop.exposure[p] = e
			d.values++
		}
		e.b = fade*e.b + n
		e.seen = d.bins
	}
	for p, e := range pop.exposure {
		e.usual += usualWeight * (b.exposure[p] - e.usual)
	}
}

// groupFor finds or makes the group of an outcome.
func (d *SeriesDetector) groupFor(pop *population, o report.Outcome) *group {
	if g := pop.groups[o]; g != nil {
		return g
	}
	g := &group{population: pop, outcome: o, sampled: 1, series: map[value]*series{}}
	pop.groups[o] = g
	g.all = d.open(g, everyone)
	return g
}

// openGroups makes series for outcomes and values that see them for the first time.
func (d *SeriesDetector) openGroups(pop *population, b *binned) {
	for o, f := range b.outcomes {
		g := d.groupFor(pop, o)
		for p := range f.x {
			if g.series[p] != nil {
				continue
			}
			if d.series >= maxSeries {
				d.dropped++
				continue
			}
			d.open(g, p)
		}
	}
}

func (d *SeriesDetector) open(g *group, p value) *series {
	b, spread := 0.0, 1.0
	if e := g.population.exposure[p]; e != nil {
		b = e.b
	}
	if g.all != nil {
		spread = g.all.spread
	}
	s := newSeries(b, spread, d.o.Thresholds.Window)
	g.series[p] = s
	d.series++
	return s
}

// sweep forgets values without requests for two half-lives, and series and groups whose failures
// have faded. Nothing is lost by that: a series that comes again starts from the exposure of
// its value.
func (d *SeriesDetector) sweep() {
	for key, pop := range d.populations {
		maps.DeleteFunc(pop.exposure, func(_ value, e *exposure) bool { return e.seen+2*halfLife < d.bins })
		for o, g := range pop.groups {
			if g.alarmed() {
				continue
			}
			maps.DeleteFunc(g.series, func(p value, s *series) bool { return p != everyone && s.faded() })
			if g.all.faded() {
				delete(pop.groups, o)
			}
		}
		if len(pop.exposure) == 0 && len(pop.groups) == 0 {
			delete(d.populations, key)
		}
	}
	d.series, d.values = 0, 0
	for _, pop := range d.populations {
		d.values += len(pop.exposure)
		for _, g := range pop.groups {
			d.series += len(g.series)
		}
	}
}

// sortedGroups are the groups that alarm, in a fixed order.
func (d *SeriesDetector) sortedGroups() []*group {
	var all []*group
	for _, pop := range d.populations {
		for _, g := range pop.groups {
			if g.alarmed() {
				all = append(all, g)
			}
		}
	}
	slices.SortFunc(all, func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.all.window().excess(), a.all.window().excess()), cmp.Compare(a.name(), b.name()))
	})
	return all
}

func (g *group) name() string {
	return fmt.Sprintf("%s\x00%s\x00%d\x00%s", g.population.app, g.population.target, g.population.source, g.outcome)
}
