package dashboards

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/judge"
)

// section is a part of the stream: a kind of event, and a member of the snapshot.
type section struct {
	name api.Section
	read func(*look) (any, error)
}

// sections lists all sections, in the order in which they are sent.
var sections = []section{
	{api.SectionNow, (*look).judged},
	{api.SectionCurve, (*look).curveSection},
	{api.SectionTotals, (*look).totals},
	{api.SectionIncidents, (*look).incidents},
	{api.SectionServers, (*look).servers},
	{api.SectionReachability, (*look).reachability},
	{api.SectionReports, (*look).reports},
	{api.SectionObjectives, (*look).objectives},
	{api.SectionParts, (*look).parts},
	{api.SectionMutes, (*look).mutes},
}

// look is one refresh from the store. It reads what several sections need only once.
type look struct {
	d   *Dashboard
	ctx context.Context
	now time.Time

	recentIncidents func() ([]model.Incident, error)
	grid            func() (reachGrid, error)
	networks        func() ([]model.Total, error)
	judgement       func() (judge.Judgement, error)
	curve           func() (api.Curve, error)
}

func (d *Dashboard) newLook(ctx context.Context, now time.Time) *look {
	l := &look{
		d: d, ctx: ctx, now: now,
		recentIncidents: sync.OnceValues(func() ([]model.Incident, error) {
			return d.o.Reader.Incidents(ctx, now.Add(-incidentsSince))
		}),
		grid: sync.OnceValues(func() (reachGrid, error) {
			return d.grid(ctx, now, d.o.Step, liveSteps, liveOrigins)
		}),
		networks: sync.OnceValues(func() ([]model.Total, error) {
			return d.o.Reader.Totals(ctx, model.TotalsQuery{Since: now.Add(-d.o.Window), By: model.DimensionsOf(model.ByASN)})
		}),
	}
	l.judgement = sync.OnceValues(l.judge)
	l.curve = sync.OnceValues(l.liveCurve)
	return l
}

// readSections reads the wanted sections. With an error, it returns those that it could read.
func (d *Dashboard) readSections(ctx context.Context, now time.Time, wanted []section) (map[api.Section]any, error) {
	l := d.newLook(ctx, now)
	fresh := map[api.Section]any{}
	var faults []error
	for _, s := range wanted {
		v, err := s.read(l)
		if err != nil {
			faults = append(faults, fmt.Errorf("reading %s: %w", s.name, err))
			continue
		}
		fresh[s.name] = v
	}
	return fresh, errors.Join(faults...)
}
