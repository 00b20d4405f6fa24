package detector

import (
	"cmp"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// group is one outcome of one population.
type group struct {
	population *population
	outcome    report.Outcome
	all        *series // series[value{}]
	series     map[value]*series
	sampled    float64 // fraction of failures that is reported, as last seen

	since    time.Time     // end of the first abnormal bin of the alarm
	lastBad  time.Time     // end of the last one
	total    float64       // excess since then
	incident *openIncident // nil while no alarm is open
}

// observe gives a bin to every series of the group; f is nil when the outcome did not occur.
func (g *group) observe(slot int, b *binned, f *failures, thresholds *Thresholds) {
	if f != nil {
		g.sampled = f.sampled
	}
	parent := g.all.rate(priorRate)
	g.observeSeries(everyone, slot, b, f, priorRate, thresholds)
	for p := range g.series {
		if p != everyone {
			g.observeSeries(p, slot, b, f, parent, thresholds)
		}
	}
}

func (g *group) observeSeries(p value, slot int, b *binned, f *failures, parent float64, thresholds *Thresholds) {
	o := observation{n: b.exposure[p] * g.sampled}
	if f != nil {
		o.x = f.x[p]
		if o.clients = f.clients[p]; o.clients != nil {
			o.failing = float64(o.clients.Count())
		}
		o.places = f.places[p]
	}
	o.n = max(o.n, o.x)
	usual := 0.0
	if e := g.population.exposure[p]; e != nil {
		usual = e.usual * g.sampled
	}
	g.series[p].observe(slot, o, parent, usual, thresholds)
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
func (g *group) judge(slot int, end time.Time, width time.Duration, f *Thresholds) {
	before := g.alarmed()
	bad := false
	for p, s := range g.series {
		switch {
		case s.alarmed:
			bad = s.follow(slot, f) || bad
		case g.raises(p, s, f):
			w := s.window()
			s.alarm(w.x / w.n)
			bad = true
		}
	}
	if !before && bad {
		g.since, g.total = end.Add(-time.Duration(g.hotBins(slot)-1)*width), g.all.window().excess()
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
func (g *group) raises(p value, s *series, f *Thresholds) bool {
	switch p.dim {
	case 0:
		return s.abnormal(f) && s.widely(f) && g.widespread(f)
	case model.ByASN:
		return s.abnormal(f) && s.widely(f)
	default:
		return false
	}
}

// widespread reports whether enough networks are hit: the group must be abnormal without the worst
// of them too. When the population lives in fewer networks than the thresholds ask for, all of them
// but one may be left out.
func (g *group) widespread(f *Thresholds) bool {
	networks := 0
	for p := range g.population.exposure {
		if p.dim == model.ByASN {
			networks++
		}
	}
	var worst []windowSums
	for p, s := range g.series {
		if p.dim == model.ByASN {
			worst = append(worst, s.window())
		}
	}
	slices.SortFunc(worst, func(a, b windowSums) int { return cmp.Compare(b.excess(), a.excess()) })
	rest := g.all.window()
	rate := rest.e / max(rest.n, 1)
	for _, w := range worst[:min(len(worst), max(min(f.Networks, networks), 1)-1)] {
		rest.x -= w.x
		rest.n -= w.n
	}
	rest.e = max(rate*rest.n, priorRate)
	return rest.x >= f.Ratio*rest.e && surprise(rest.x, rest.e)/max(1, g.all.spread) >= f.Evidence/2
}
