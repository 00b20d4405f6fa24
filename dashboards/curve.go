package dashboards

import (
	"context"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/judge"
	"github.com/heliograph-net/heliograph/report"
)

const (
	// curveSteps is the number of columns of a curve.
	curveSteps = 60
	// longestLive is how much time the live curve covers at most, because it is read at each
	// refresh.
	longestLive = 2 * time.Hour
)

func (d *Dashboard) getCurve(w http.ResponseWriter, r *http.Request, p *params) error {
	id := p.integer("incident", 0, 1, maxID)
	target := p.text("target", report.MaxString)
	outcome := p.outcome("type")
	since, end, where := p.span("since", 0, d.o.Retention), p.moment("until"), p.where()
	if id != 0 && (target != "" || outcome != "" || since != 0 || !end.IsZero() || !where.Everyone()) {
		p.fail("incident", "must be given alone")
	}
	if p.err != nil {
		return p.err
	}
	now := endOf(end)
	q := curveAsked{target: target, outcome: outcome, scope: where, from: now.Add(-max(since, curveSteps*d.o.Step)), until: now, ended: !end.IsZero(),
		chosen: outcome != "" || target != "" && !strings.HasPrefix(target, model.CollectorTarget)}
	if id != 0 {
		i, err := d.incident(r.Context(), int64(id), now)
		if err != nil {
			return err
		}
		q = d.curveOf(i, now)
	}
	c, err := d.curve(r.Context(), q, now)
	if err != nil {
		return err
	}
	return writeJSON(w, c)
}

// curveAsked is the curve that is asked for.
type curveAsked struct {
	from, until time.Time
	target      string // see api.Curve
	outcome     report.Outcome
	scope       model.Scope     // of an incident, that of the incident
	ended       bool            // until is not now, so that nothing after it is read
	chosen      bool            // target or outcome are a request's, and may be those of few clients
	incident    *model.Incident // nil without one
}

// curveOf returns the curve of an incident with some time before and after it.
func (d *Dashboard) curveOf(i *model.Incident, now time.Time) curveAsked {
	until := now
	if !i.Open() {
		until = i.Until
	}
	margin := max(until.Sub(i.Since)/4, 15*d.o.Step)
	q := curveAsked{from: i.Since.Add(-margin), until: until, target: i.Target, scope: i.Scope, incident: i}
	if !i.Open() && until.Add(margin).Before(now) {
		q.until = until.Add(margin)
	} else {
		q.until = now
	}
	if least := curveSteps * d.o.Step; q.until.Sub(q.from) < least {
		q.from = q.until.Add(-least)
	}
	return q
}

// curve reads a curve from the store and judges it.
func (d *Dashboard) curve(ctx context.Context, q curveAsked, now time.Time) (api.Curve, error) {
	// multiples of the page's step, so that columns have equally many bins
	step := d.o.Step * max(1, (q.until.Sub(q.from)+curveSteps*d.o.Step-1)/(curveSteps*d.o.Step))
	end := q.until.Truncate(step).Add(step)
	start := end.Add(-curveSteps * step)
	asked := model.CurveQuery{Since: start, Until: end, Step: step, Target: q.target, Type: q.outcome, Scope: q.scope,
		Delivery: strings.HasPrefix(q.target, model.CollectorTarget)}
	if q.ended {
		asked.Until = q.until
	}
	// a part of the requests that somebody has chosen, or a scope
	asked.Clients = d.o.LeastClients > 1 && (q.chosen || dimensionsOf(asked.Scope) != 0)
	points, err := d.o.Reader.Curve(ctx, asked)
	if err != nil {
		return api.Curve{}, err
	}
	c := api.Curve{Columns: newColumns(curveSteps), Start: stamp(start), StepSeconds: step.Seconds(), Target: q.target}
	var shown []model.CurvePoint
	for _, p := range points {
		column := int(p.At.Sub(start) / step)
		switch {
		case column < 0 || column >= curveSteps:
		case asked.Clients && d.hides(p.Clients):
			c.Suppressed++
		default:
			shown = append(shown, p)
			add(c.Columns, column, model.Reach{OK: p.OK, Failed: p.Failed})
		}
	}
	if q.incident == nil { // an incident is told whatever its numbers are
		points = shown
	}
	d.judgeCurve(&c, q, points, step, now)
	return c, nil
}

// judgeCurve fills in onset, normal and trend.
func (d *Dashboard) judgeCurve(c *api.Curve, q curveAsked, points []model.CurvePoint, step time.Duration, now time.Time) {
	onset := judge.OnsetOf(points)
	if i := q.incident; i != nil {
		c.Incident, onset = i.ID, i.Since
		if i.Requests > 0 {
			c.Normal = fine(i.Expected / i.Requests)
		}
	} else {
		c.Normal = fine(normalOf(points, onset))
	}
	if onset.IsZero() {
		return
	}
	course := judge.CourseOf(points, step, onset, now, c.Normal)
	c.Onset, c.Trend, c.Ratio = stamp(onset), api.Trend(course.Trend), fine(course.Ratio)
	if !course.Since.IsZero() {
		c.TrendSince = stamp(course.Since)
	}
}

// fine rounds a ratio to six decimals.
func fine(x float64) float64 { return math.Round(x*1e6) / 1e6 }

// normalOf returns the part of the requests before the onset that failed.
func normalOf(points []model.CurvePoint, onset time.Time) float64 {
	var ok, failed float64
	for _, p := range points {
		if onset.IsZero() || p.At.Before(onset) {
			ok, failed = ok+p.OK, failed+p.Failed
		}
	}
	if ok+failed == 0 {
		return 0
	}
	return failed / (ok + failed)
}

// liveCurve reads the curve of what the headline is about. If it is about nothing that fails, the
// curve is that of all requests.
func (l *look) liveCurve() (api.Curve, error) {
	j, err := l.judgement()
	if err != nil {
		return api.Curve{}, err
	}
	d, span := l.d, curveSteps*l.d.o.Step
	switch about := j.Subject; {
	case about.Incident != nil:
		q := d.curveOf(about.Incident, l.now)
		if q.until.Sub(q.from) > max(longestLive, span) {
			q.from = q.until.Add(-max(longestLive, span))
		}
		return d.curve(l.ctx, q, l.now)
	case about.Target != "":
		return d.curve(l.ctx, curveAsked{from: l.now.Add(-span), until: l.now, target: about.Target}, l.now)
	}
	grid, err := l.grid()
	return api.Curve{Columns: grid.All, Start: grid.Start, StepSeconds: grid.StepSeconds}, err
}

// curveSection reads the section for the page.
func (l *look) curveSection() (any, error) { return l.curve() }
