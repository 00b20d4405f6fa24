package detector

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// group is one outcome of one population.
type group struct {
	crowd   *crowd
	outcome report.Outcome
	all     *series // series[place{}]
	series  map[place]*series
	sampled float64 // fraction of failures that is reported, as last seen

	since    time.Time     // end of the first abnormal bin of the alarm
	lastBad  time.Time     // end of the last one
	total    float64       // excess since then
	incident *openIncident // nil while no alarm is open
}

// observe gives a bin to every series of the group; f is nil when the outcome did not occur.
func (g *group) observe(slot int, t *tally, f *failures, floors *Floors) {
	if f != nil {
		g.sampled = f.sampled
	}
	parent := g.all.rate(priorRate)
	g.observeSeries(nameless, slot, t, f, priorRate, floors)
	for p := range g.series {
		if p != nameless {
			g.observeSeries(p, slot, t, f, parent, floors)
		}
	}
}

func (g *group) observeSeries(p place, slot int, t *tally, f *failures, parent float64, floors *Floors) {
	o := observation{n: t.exposure[p] * g.sampled}
	if f != nil {
		o.x = f.x[p]
		o.failing = float64(len(f.clients[p]))
		o.clients = slices.Collect(maps.Keys(f.clients[p]))
	}
	o.n = max(o.n, o.x)
	usual := 0.0
	if e := g.crowd.exposure[p]; e != nil {
		usual = e.usual * g.sampled
	}
	g.series[p].observe(slot, o, parent, usual, floors)
}

// alarmed reports whether any series of the group is hit.
func (g *group) alarmed() bool {
	for _, s := range g.series {
		if s.alarmed {
			return true
		}
	}
	return false
}

// judge raises and ends the alarms of the group's series after a bin.
func (g *group) judge(slot int, end time.Time, width time.Duration, f *Floors) {
	before := g.alarmed()
	bad := false
	for p, s := range g.series {
		switch {
		case s.alarmed:
			bad = s.follow(slot, f) || bad
		case g.raises(p, s, f):
			w := s.stretch()
			s.alarm(w.x / w.n)
			bad = true
		}
	}
	if !before && bad {
		g.since, g.total = end.Add(-time.Duration(g.hotBins(slot)-1)*width), g.all.stretch().excess()
	}
	if bad {
		g.lastBad = end
		if before {
			o := &g.all.recent[slot]
			g.total += o.x - o.e
		}
	}
	if g.alarmed() && end.Sub(g.since) < relearnAfter {
		g.mask()
	}
}

// mask keeps the last bins of all series from being learned.
func (g *group) mask() {
	for _, s := range g.series {
		s.mask()
	}
}

// hotBins is how many bins ago, the newest included, the ring's first abnormal bin of any
// series was.
func (g *group) hotBins(slot int) int {
	most := 1
	for _, s := range g.series {
		for i := range s.recent {
			if age := (slot-i+len(s.recent))%len(s.recent) + 1; s.recent[i].hot && age > most {
				most = age
			}
		}
	}
	return most
}

// raises reports whether a series is to be called hit. Servers and countries are never tested by
// themselves: they serve to say where.
func (g *group) raises(p place, s *series, f *Floors) bool {
	switch p.attr {
	case everyone:
		return s.abnormal(f) && g.widespread(f)
	case byASN:
		return s.abnormal(f)
	default:
		return false
	}
}

// widespread reports whether enough networks are hit: the group must be abnormal without the worst
// of them too. When the population lives in fewer networks than the floor asks for, all of them but
// one may be left out.
func (g *group) widespread(f *Floors) bool {
	networks := 0
	for p := range g.crowd.exposure {
		if p.attr == byASN {
			networks++
		}
	}
	var worst []stretch
	for p, s := range g.series {
		if p.attr == byASN {
			worst = append(worst, s.stretch())
		}
	}
	slices.SortFunc(worst, func(a, b stretch) int { return cmp.Compare(b.excess(), a.excess()) })
	rest := g.all.stretch()
	rate := rest.e / max(rest.n, 1)
	for _, w := range worst[:min(len(worst), max(min(f.Networks, networks), 1)-1)] {
		rest.x -= w.x
		rest.n -= w.n
	}
	rest.e = max(rate*rest.n, priorRate)
	return rest.x >= f.Ratio*rest.e && surprise(rest.x, rest.e)/max(1, g.all.spread) >= f.Evidence/2
}
