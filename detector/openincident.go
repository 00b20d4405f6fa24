package detector

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// sameFault is the share of a group's excess that must lie within the scope of an open incident of
// the same target to be part of it. One fault often has several outcomes: a server that dies first
// closes connections and then refuses them.
const sameFault = 0.5

// openIncident is an incident and the groups whose alarms it stands for.
type openIncident struct {
	model.Incident
	groups map[*group]struct{}
	main   *group    // whose outcome the incident has
	last   time.Time // end of the last abnormal bin
}

// judge raises, refines and clears incidents after a bin.
func (d *SeriesDetector) judge(end time.Time) []model.Event {
	for _, pop := range d.populations {
		for _, g := range pop.groups {
			g.judge(d.slot(), end, d.o.Bin, &d.o.Thresholds)
		}
	}
	events := map[*openIncident]model.EventKind{}
	for _, g := range d.sortedGroups() {
		if g.incident == nil {
			d.attach(g, events)
		}
	}
	for _, inc := range d.incidents {
		d.refine(inc, events)
	}
	var out []model.Event
	for _, inc := range d.incidents {
		if kind := events[inc]; kind != 0 {
			out = append(out, model.Event{Kind: kind, Incident: inc.Incident.Clone()})
		}
	}
	d.incidents = slices.DeleteFunc(d.incidents, func(i *openIncident) bool { return !i.Open() })
	return out
}

// attach gives a group that alarms to the incident that it is part of, or to a new one.
func (d *SeriesDetector) attach(g *group, events map[*openIncident]model.EventKind) {
	excess := g.all.window().excess()
	for _, inc := range d.incidents {
		if inc.App == g.population.app && inc.Target == g.population.target && g.within(inc.Scope).excess() >= sameFault*excess {
			inc.groups[g] = struct{}{}
			g.incident = inc
			return
		}
	}
	inc := &openIncident{groups: map[*group]struct{}{g: {}}}
	inc.Incident = model.Incident{ID: d.newID(), App: g.population.app, Target: g.population.target, Since: g.since.Add(-d.o.Bin)}
	g.incident = inc
	inc.describe(g, d) // so that the next group sees whether it lies within
	d.incidents = append(d.incidents, inc)
	events[inc] = model.Opened
}

// newID is the number of a new incident.
func (d *SeriesDetector) newID() int64 {
	d.lastID++
	return d.lastID
}

// refine brings an incident up to date with its groups.
func (d *SeriesDetector) refine(inc *openIncident, events map[*openIncident]model.EventKind) {
	for g := range inc.groups {
		inc.last = later(inc.last, g.lastBad)
	}
	maps.DeleteFunc(inc.groups, func(g *group, _ struct{}) bool {
		over := !g.alarmed()
		if over {
			g.incident = nil
		}
		return over && len(inc.groups) > 1
	})
	main := inc.mainGroup()
	if main.incident == nil {
		inc.Until = inc.last
		events[inc] = model.Cleared
		return
	}
	if !main.hot(d.slot(), true) && main == inc.main {
		return
	}
	if inc.describe(main, d) && events[inc] == 0 {
		events[inc] = model.Changed
	}
}

// mainGroup is the group with the largest excess, but among those that still alarm if any does.
func (i *openIncident) mainGroup() *group {
	return slices.MaxFunc(slices.Collect(maps.Keys(i.groups)), func(a, b *group) int {
		return cmp.Or(cmpBool(a.incident != nil, b.incident != nil), cmp.Compare(a.total, b.total), cmp.Compare(b.name(), a.name()))
	})
}

func cmpBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// hot reports whether the newest bin of any series, or of any that alarms, is abnormal.
func (g *group) hot(slot int, alarmed bool) bool {
	for _, s := range g.series {
		if s.recent[slot].hot && (s.alarmed || !alarmed) {
			return true
		}
	}
	return false
}

// describe sets what the incident says from its main group, and reports whether that changed. The
// numbers are those of the worst window under the present scope and outcome.
func (i *openIncident) describe(main *group, d *SeriesDetector) bool {
	var former *model.Scope
	if i.main != nil {
		former = &i.Scope
	}
	found := main.localise(former)
	also := i.further(main)
	same := i.main == main && former != nil && found.scope.Equal(*former)
	if same && slices.Equal(also, i.Also) && found.sum.excess() <= i.Failed-i.Expected {
		return false
	}
	i.main, i.Outcome, i.Also, i.Scope = main, main.outcome, also, found.scope
	i.Failed, i.Requests, i.Expected = found.sum.x, found.sum.n, found.sum.e
	i.Clients = main.clientsWithin(found.scope)
	i.Title = d.title(&i.Incident)
	i.Evidence = d.evidence(i, main)
	return true
}

// further are the outcomes that the incident had besides that of main, now or before.
func (i *openIncident) further(main *group) []report.Outcome {
	also := slices.Clone(i.Also)
	if i.main != nil {
		also = append(also, i.main.outcome)
	}
	for g := range i.groups {
		also = append(also, g.outcome)
	}
	also = slices.DeleteFunc(also, func(o report.Outcome) bool { return o == main.outcome })
	slices.Sort(also)
	return slices.Compact(also)
}
