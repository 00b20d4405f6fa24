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
	maxPlaces      = 300_000
	sweepBins      = 256 // how often what is not seen any more is forgotten
)

// relearnAfter is how long an incident may last until its failures are learned as the new normal.
// Without an end, a release that turned some requests into failures on purpose would be an
// incident for ever.
const relearnAfter = 72 * time.Hour

// SeriesOptions of a SeriesDetector.
type SeriesOptions struct {
	Bin         time.Duration // width of a bin; required
	Floors      Floors
	Probes      Witness                 // optional
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
// failures must exceed the floor in requests and in distinct clients, and clients must exceed what
// is usual by the ratio as well. But the tokens that tell clients apart are the clients' own
// claims; a machine that invents tokens is limited only by what it cannot invent, its network as
// the collector saw it. Therefore the group as a whole alarms only if it would without its worst
// Floors.Networks-1 networks (or without all but one, when the population lives in fewer), and a
// single network alarms only by the clients within it. Thus forged tokens can at worst raise an
// incident about the forger's own network, whose evidence says so.
type SeriesDetector struct {
	o           SeriesOptions
	bins        uint64 // steps so far; bins % Window is the slot of the newest one
	populations map[population]*crowd
	series      int // in all groups
	places      int // in all crowds
	dropped     uint64
	incidents   []*openIncident
	known       []model.Incident // from Restore
	lastID      int64
}

// crowd is the state of one population.
type crowd struct {
	population
	exposure map[place]*exposure
	groups   map[report.Outcome]*group
}

// exposure is what is known of the requests at one place, whatever became of them.
type exposure struct {
	b     float64 // discounted sum
	usual float64 // moving average per bin
	seen  uint64  // the bin in which there were some last
}

// NewSeriesDetector checks the options.
func NewSeriesDetector(o SeriesOptions) (*SeriesDetector, error) {
	if err := o.Floors.validate(); err != nil {
		return nil, err
	}
	if o.Bin <= 0 {
		return nil, errors.New("bin must be positive")
	}
	if o.NetworkName == nil {
		o.NetworkName = func(uint32) string { return "" }
	}
	return &SeriesDetector{o: o, populations: map[population]*crowd{}}, nil
}

// Dropped counts the series and places that were not taken up because the detector remembers a
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

func (d *SeriesDetector) slot() int { return int(d.bins % uint64(d.o.Floors.Window)) }

// observe gives a bin to every series.
func (d *SeriesDetector) observe(end time.Time, cells []Cell) {
	d.bins++
	tallies := tallyUp(cells)
	for key, t := range tallies {
		if c := d.crowdFor(key); c != nil {
			t.sum(c)
			d.openGroups(c, t)
		}
	}
	empty := &tally{}
	for key, c := range d.populations {
		t := tallies[key]
		if t == nil {
			t = empty
		}
		d.observeCrowd(c, t, end)
	}
	if d.bins%sweepBins == 0 {
		d.sweep()
	}
}

// crowdFor finds or makes a population; nil when there are too many.
func (d *SeriesDetector) crowdFor(key population) *crowd {
	c := d.populations[key]
	if c != nil {
		return c
	}
	if len(d.populations) >= maxPopulations {
		d.dropped++
		return nil
	}
	c = &crowd{population: key, exposure: map[place]*exposure{}, groups: map[report.Outcome]*group{}}
	d.populations[key] = c
	return c
}

// admit is the outcome under which o is counted: itself, or what it rolls up to when clients have
// brought too many.
func (c *crowd) admit(o report.Outcome) report.Outcome {
	for ; o != ""; o = o.Parent() {
		if c.groups[o] != nil || len(c.groups) < maxOutcomes {
			return o
		}
	}
	return report.Unknown
}

func (d *SeriesDetector) observeCrowd(c *crowd, t *tally, end time.Time) {
	for _, g := range c.groups {
		f := t.outcomes[g.outcome]
		g.observe(d.slot(), t, f, &d.o.Floors)
		if d.masked(g, end) {
			g.mask()
			if g.hot(d.slot(), false) {
				g.lastBad = end
			}
		}
	}
	for p, n := range t.exposure {
		e := c.exposure[p]
		if e == nil {
			if d.places >= maxPlaces && p != nameless {
				d.dropped++
				continue
			}
			e = &exposure{}
			c.exposure[p] = e
			d.places++
		}
		e.b = fade*e.b + n
		e.seen = d.bins
	}
	for p, e := range c.exposure {
		e.usual += usualWeight * (t.exposure[p] - e.usual)
	}
}

// groupFor finds or makes the group of an outcome.
func (d *SeriesDetector) groupFor(c *crowd, o report.Outcome) *group {
	if g := c.groups[o]; g != nil {
		return g
	}
	g := &group{crowd: c, outcome: o, sampled: 1, series: map[place]*series{}}
	c.groups[o] = g
	g.all = d.open(g, nameless)
	return g
}

// openGroups makes series for outcomes and places that see them for the first time.
func (d *SeriesDetector) openGroups(c *crowd, t *tally) {
	for o, f := range t.outcomes {
		g := d.groupFor(c, o)
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

func (d *SeriesDetector) open(g *group, p place) *series {
	b, spread := 0.0, 1.0
	if e := g.crowd.exposure[p]; e != nil {
		b = e.b
	}
	if g.all != nil {
		spread = g.all.spread
	}
	s := newSeries(b, spread, d.o.Floors.Window)
	g.series[p] = s
	d.series++
	return s
}

// sweep forgets places without requests for two half-lives, and series and groups whose failures
// have faded. Nothing is lost by that: a series that comes again starts from the exposure of
// its place.
func (d *SeriesDetector) sweep() {
	for key, c := range d.populations {
		maps.DeleteFunc(c.exposure, func(_ place, e *exposure) bool { return e.seen+2*halfLife < d.bins })
		for o, g := range c.groups {
			if g.alarmed() {
				continue
			}
			maps.DeleteFunc(g.series, func(p place, s *series) bool { return p != nameless && s.faded() })
			if g.all.faded() {
				delete(c.groups, o)
			}
		}
		if len(c.exposure) == 0 && len(c.groups) == 0 {
			delete(d.populations, key)
		}
	}
	d.series, d.places = 0, 0
	for _, c := range d.populations {
		d.places += len(c.exposure)
		for _, g := range c.groups {
			d.series += len(g.series)
		}
	}
}

// sortedGroups are the groups that alarm, in a fixed order.
func (d *SeriesDetector) sortedGroups() []*group {
	var all []*group
	for _, c := range d.populations {
		for _, g := range c.groups {
			if g.alarmed() {
				all = append(all, g)
			}
		}
	}
	slices.SortFunc(all, func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.all.stretch().excess(), a.all.stretch().excess()), cmp.Compare(a.name(), b.name()))
	})
	return all
}

func (g *group) name() string {
	return fmt.Sprintf("%s\x00%s\x00%d\x00%s", g.crowd.app, g.crowd.target, g.crowd.source, g.outcome)
}
