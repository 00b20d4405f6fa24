package dashboards

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/judge"
	"github.com/heliograph-net/heliograph/report"
)

// recentSteps is the number of steps of the grid that make up the recent part of the window.
const recentSteps = 5

func (d *Dashboard) getNow(w http.ResponseWriter, r *http.Request, p *params) error {
	if p.err != nil {
		return p.err
	}
	now, err := d.newLook(r.Context(), time.Now()).judged()
	if err != nil {
		return err
	}
	return writeJSON(w, now)
}

// judged reads the section with the headline.
func (l *look) judged() (any, error) {
	j, err := l.judgement()
	if err != nil {
		return nil, err
	}
	answer := api.Now{State: api.State(j.State), Headline: j.Headline, Why: j.Why, Who: j.Who}
	if !j.Since.IsZero() {
		answer.Since = stamp(j.Since)
	}
	if j.Subject == (judge.Subject{}) {
		return answer, nil
	}
	if i := j.Subject.Incident; i != nil {
		answer.Incident = i.ID
	}
	curve, err := l.curve()
	if err != nil {
		return nil, err
	}
	if answer.Trend, answer.TrendSince = curve.Trend, curve.TrendSince; answer.Since.IsZero() {
		answer.Since = curve.Onset
	}
	return answer, nil
}

// judge judges the facts.
func (l *look) judge() (judge.Judgement, error) {
	facts, err := l.facts()
	if err != nil {
		return judge.Judgement{}, err
	}
	return judge.Overall(facts), nil
}

// facts collects the facts for a judgement.
func (l *look) facts() (f judge.Facts, err error) {
	o := &l.d.o
	counts := o.Servers.Snapshot().Counts()
	f = judge.Facts{
		Now: l.now, Thresholds: o.Thresholds(), Window: o.Window, Recent: l.recent(), Step: o.Step, Horizon: liveSteps * o.Step,
		Servers: judge.Servers{Up: counts.Up, Down: counts.Down, Unknown: counts.Unknown}, NetworkName: l.d.networkName, ServerName: l.d.serverName,
		Blindness: o.Blindness(), Doubts: o.Doubts(),
	}
	if f.Incidents, err = l.recentIncidents(); err != nil {
		return f, err
	}
	if err := l.heard(&f); err != nil {
		return f, err
	}
	networks, err := l.networks()
	if err != nil {
		return f, err
	}
	f.Networks = len(networks)
	if f.Targets, err = l.sums(false); err != nil {
		return f, err
	}
	f.Collectors, err = l.sums(true)
	return f, err
}

// heard fills in when there were requests, and how the networks fare.
func (l *look) heard(f *judge.Facts) error {
	grid, err := l.grid()
	if err != nil {
		return err
	}
	f.Heard, f.Pause, f.FailingNetworks = grid.Heard, pauseOf(grid.Reachability), grid.failing
	if f.Heard.IsZero() {
		f.HeardBefore, err = l.d.past.heard(l.ctx, &l.d.o, l.now)
	}
	return err
}

// recent returns the length of the recent part of the window, which tells whether
// failures are over.
func (l *look) recent() time.Duration { return min(l.d.o.Window, recentSteps*l.d.o.Step) }

// sums returns the sums of the applications' requests, or of the deliveries, by target.
func (l *look) sums(delivery bool) ([]judge.Sum, error) {
	rows, err := l.d.o.Reader.Totals(l.ctx, model.TotalsQuery{
		Since: l.now.Add(-l.d.o.Window), By: model.DimensionsOf(model.ByTarget, model.ByOutcome), Delivery: delivery,
	})
	if err != nil {
		return nil, err
	}
	recent, err := l.d.o.Reader.Totals(l.ctx, model.TotalsQuery{
		Since: l.now.Add(-l.recent()), By: model.DimensionsOf(model.ByTarget), Delivery: delivery,
	})
	if err != nil {
		return nil, err
	}
	return sumsOf(rows, recent), nil
}

// sumsOf combines totals by target and outcome with recent totals by target, in the order of rows.
func sumsOf(rows, recent []model.Total) []judge.Sum {
	var sums []judge.Sum
	at := map[string]int{}
	for _, t := range rows {
		i, known := at[t.Key.Target]
		if !known {
			i, at[t.Key.Target] = len(sums), len(sums)
			sums = append(sums, judge.Sum{Name: strings.TrimPrefix(t.Key.Target, model.CollectorTarget)})
		}
		s := &sums[i]
		s.OK, s.Failed = s.OK+t.OK, s.Failed+t.Failed
		if t.Key.Outcome != report.OK && t.Clients > 0 {
			s.AtMost = s.Clients > 0 // a client with two outcomes is counted twice
			s.Clients += t.Clients
		}
	}
	for _, t := range recent {
		if i, known := at[t.Key.Target]; known {
			sums[i].RecentOK, sums[i].RecentFailed = t.OK, t.Failed
		}
	}
	return sums
}

// pauseOf returns the longest time without requests between two columns with requests.
func pauseOf(grid api.Reachability) (longest time.Duration) {
	last := -1
	for i, ok := range grid.All.OK {
		if ok+grid.All.Failed[i] <= 0 {
			continue
		}
		if last >= 0 {
			longest = max(longest, time.Duration(float64(i-last-1)*grid.StepSeconds*float64(time.Second)))
		}
		last = i
	}
	return longest
}

// past caches whether there ever were requests, because that query reads the whole store. It is
// needed only while there are no requests. The zero value is ready to use.
type past struct {
	mu    sync.Mutex // guards the fields below; held during the query
	asked time.Time
	found bool
}

// pastAgain is how long a negative answer is cached.
const pastAgain = time.Minute

// heard reports whether the store has any request.
func (p *past) heard(ctx context.Context, o *Options, now time.Time) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found || (!p.asked.IsZero() && now.Sub(p.asked) < pastAgain) {
		return p.found, nil
	}
	rows, err := o.Reader.Totals(ctx, model.TotalsQuery{Since: now.Add(-o.Retention), Limit: 1})
	_, much := errors.AsType[*model.CostError](err) // so much is stored that it is not read
	if err != nil && !much {
		return false, err
	}
	p.asked = now
	p.found = much || len(rows) > 0 && rows[0].OK+rows[0].Failed > 0
	return p.found, nil
}
