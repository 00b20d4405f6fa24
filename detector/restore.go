package detector

import (
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Restore tells what was found before: incidents that are open, or that were within the bins that
// will be replayed, and the highest ID in use. Call it on a new detector, before Replay. The bins
// of an incident are not learned, and those that are open go on with the first Step.
func (d *SeriesDetector) Restore(incidents []model.Incident, lastID int64) {
	d.known = incidents
	d.lastID = lastID
	for i := range incidents {
		d.lastID = max(d.lastID, incidents[i].ID)
	}
}

// masked reports whether the bin that ends at end belongs to a known incident of the group. The
// bins just before it do, too: the fault may have begun in the middle of one.
func (d *SeriesDetector) masked(g *group, end time.Time) bool {
	for i := range d.known {
		k := &d.known[i]
		if !concerns(k, g) {
			continue
		}
		from := k.Since.Add(-time.Duration(d.o.Thresholds.Window) * d.o.Bin)
		if end.After(from) && (k.Open() && end.Sub(k.Since) < relearnAfter || !end.Add(-d.o.Bin).After(k.Until)) {
			return true
		}
	}
	return false
}

func concerns(i *model.Incident, g *group) bool {
	return i.App == g.population.app && i.Target == g.population.target && (i.Outcome == g.outcome || slices.Contains(i.Also, g.outcome))
}

// adopt opens again what Restore said is open, once.
func (d *SeriesDetector) adopt() {
	for i := range d.known {
		if d.known[i].Open() {
			d.adoptIncident(d.known[i].Clone())
		}
	}
	d.known = nil
}

func (d *SeriesDetector) adoptIncident(inc model.Incident) {
	open := &openIncident{Incident: inc, groups: map[*group]struct{}{}, last: inc.Since.Add(d.o.Bin)}
	for _, source := range []report.Source{report.SourceAgent, report.SourceBrowser} {
		pop := d.populations[populationKey{inc.App, inc.Target, source}]
		if pop == nil || pop.groups[inc.Outcome] == nil {
			continue
		}
		d.reopen(open, pop.groups[inc.Outcome])
	}
	if len(open.groups) == 0 { // nothing was heard of it since: it will end by silence
		pop := d.populationFor(populationKey{inc.App, inc.Target, report.SourceAgent})
		if pop == nil {
			return
		}
		d.reopen(open, d.groupFor(pop, inc.Outcome))
	}
	open.main = open.mainGroup()
	d.incidents = append(d.incidents, open)
}

// reopen raises the alarms of a group that an open incident stands for.
func (d *SeriesDetector) reopen(inc *openIncident, g *group) {
	peak := inc.Failed / max(inc.Requests, inc.Failed, 1)
	g.since, g.lastBad, g.total, g.incident = inc.Since.Add(d.o.Bin), later(g.lastBad, inc.last), inc.Failed-inc.Expected, inc
	if len(inc.Scope.ASNs) == 0 {
		g.all.alarm(peak)
	}
	for p, s := range g.series {
		if p.dim == model.ByASN && s.window().hot > 0 {
			s.alarm(peak)
		}
	}
	for _, asn := range inc.Scope.ASNs {
		p := value{dim: model.ByASN, asn: asn}
		if g.series[p] == nil {
			d.open(g, p)
		}
		g.series[p].alarm(peak)
	}
	inc.groups[g] = struct{}{}
}
