package dashboards

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/judge"
)

// Limits of an incident's page.
const (
	maxCells       = 12 // of each dimension
	maxRecurrences = 20
	maxIncidentMap = 10 // servers
)

func (d *Dashboard) getIncident(w http.ResponseWriter, r *http.Request, p *params) error {
	page, err := d.askedPage(r.Context(), p)
	if err != nil {
		return err
	}
	return writeJSON(w, page)
}

func (d *Dashboard) getIncidentMarkdown(w http.ResponseWriter, r *http.Request, p *params) error {
	page, err := d.askedPage(r.Context(), p)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/markdown; charset=utf-8")
	_, _ = w.Write(markdownOf(&page)) // an error means that the client is gone
	return nil
}

// askedPage reads the page of the incident that a parameter names.
func (d *Dashboard) askedPage(ctx context.Context, p *params) (page api.IncidentPage, err error) {
	id := p.integer("id", 0, 1, maxID)
	if id == 0 {
		p.fail("id", "must be the id of an incident")
	}
	if p.err != nil {
		return page, p.err
	}
	return d.incidentPage(ctx, int64(id), time.Now())
}

func (d *Dashboard) incidentPage(ctx context.Context, id int64, now time.Time) (page api.IncidentPage, err error) {
	all, err := d.o.Reader.Incidents(ctx, now.Add(-d.o.Retention))
	if err != nil {
		return page, err
	}
	i := incidentWith(all, id)
	if i == nil {
		return page, errNoIncident
	}
	rows, err := d.annotated(ctx, []model.Incident{*i})
	if err != nil {
		return page, err
	}
	page = api.IncidentPage{Incident: rows[0], Cause: d.cause(i), Runbook: d.runbook(i.Verdict), Servers: d.serversOf(i),
		StatusPage: d.o.StatusPage()}
	page.Names = d.namesAround(i, page.Servers)
	if page.Recurrences, err = d.annotated(ctx, recurrences(all, i)); err != nil {
		return page, err
	}
	if page.Curve, err = d.curve(ctx, d.curveOf(i, now), now); err != nil {
		return page, err
	}
	if page.Timeline, err = d.timeline(ctx, i, &page, now); err != nil {
		return page, err
	}
	if page.Cells, page.Suppressed, err = d.cells(ctx, i); err != nil {
		return page, err
	}
	page.Changes, err = d.changesAround(ctx, i, all, now)
	return page, err
}

// incidentWith returns the incident with an id, or nil.
func incidentWith(all []model.Incident, id int64) *model.Incident {
	for i := range all {
		if all[i].ID == id {
			return &all[i]
		}
	}
	return nil
}

// cause returns the sentence of the verdict. What the probers hold now is part of it only while the
// incident is open.
func (d *Dashboard) cause(i *model.Incident) string {
	f := judge.Facts{NetworkName: d.networkName, ServerName: d.serverName}
	if i.Open() {
		c := d.o.Servers.Snapshot().Counts()
		f.Servers = judge.Servers{Up: c.Up, Down: c.Down, Unknown: c.Unknown}
	}
	return judge.Cause(f, i)
}

// runbook returns the URL of what to do about a verdict; "" if there is none.
func (d *Dashboard) runbook(v model.Verdict) string {
	if d.o.Runbooks == "" || v == "" {
		return ""
	}
	return strings.TrimSuffix(d.o.Runbooks, "/") + "/" + strings.ReplaceAll(string(v), "_", "-") + ".md"
}

// recurrences returns the other incidents with the cause and the scope of i.
func recurrences(all []model.Incident, i *model.Incident) (same []model.Incident) {
	for k := range all {
		o := &all[k]
		if o.ID != i.ID && o.App == i.App && o.Target == i.Target && o.Verdict == i.Verdict && o.Scope.Equal(i.Scope) {
			same = append(same, *o)
		}
	}
	return same[:min(len(same), maxRecurrences)]
}

// places are the dimensions by which an incident's page tells where it happened.
var places = []model.Dimension{model.ByASN, model.ByCountry, model.ByServer, model.ByProtocol}

// cells returns what failed in the scope and the time of i, by each of places, and how many rows
// are not shown.
func (d *Dashboard) cells(ctx context.Context, i *model.Incident) (rows []api.Total, suppressed int, err error) {
	for _, by := range places {
		q := model.TotalsQuery{Since: i.Since, Until: i.Until, Target: i.Target, Delivery: i.Collector() != "", By: model.DimensionsOf(by) | dimensionsOf(i.Scope)}
		totals, err := d.o.Reader.Totals(ctx, q)
		if _, much := errors.AsType[*model.CostError](err); much {
			continue // the other dimensions may have fewer groups
		}
		if err != nil {
			return nil, 0, err
		}
		shown, hidden := d.shownTotals(mergedBy(by, i.Scope, totals), false)
		rows, suppressed = append(rows, d.totalRows(shown[:min(len(shown), maxCells)])...), suppressed+hidden
	}
	return rows, suppressed, nil
}

// dimensionsOf returns the dimensions that [model.Scope.Counted] needs for a scope.
func dimensionsOf(s model.Scope) (by model.Dimensions) {
	for d, n := range map[model.Dimension]int{model.ByASN: len(s.ASNs), model.ByCountry: len(s.Countries), model.ByServer: len(s.Servers), model.ByProtocol: len(s.Protocols)} {
		if n > 0 {
			by |= model.DimensionsOf(d)
		}
	}
	return by
}

// mergedBy sums the totals within a scope by one dimension, most failures first. A client that is
// in several of them counts in each.
func mergedBy(by model.Dimension, scope model.Scope, totals []model.Total) (merged []model.Total) {
	at := map[model.Series]int{}
	for _, t := range totals {
		if !scope.Counted(t.Key) {
			continue
		}
		t.By = model.DimensionsOf(by)
		t.Key = t.Key.Only(t.By)
		k, known := at[t.Key]
		if !known {
			at[t.Key] = len(merged)
			merged = append(merged, t)
			continue
		}
		m := &merged[k]
		m.OK, m.Failed, m.Clipped, m.Clients, m.Places = m.OK+t.OK, m.Failed+t.Failed, m.Clipped+t.Clipped, m.Clients+t.Clients, m.Places+t.Places
	}
	merged = slices.DeleteFunc(merged, func(t model.Total) bool { return t.Failed == 0 })
	slices.SortStableFunc(merged, func(a, b model.Total) int { return cmp.Compare(b.Failed, a.Failed) })
	return merged
}

// serversOf returns what the probers hold of the servers of the scope, or else of those that are
// down. It is never nil.
func (d *Dashboard) serversOf(i *model.Incident) []api.Probed {
	rows := []api.Probed{}
	if d.o.Probes == nil {
		return rows
	}
	add := func(q model.ProbedQuery) {
		servers, _ := d.o.Probes.Probed(q)
		for k := range servers {
			if len(rows) < maxIncidentMap && (q.Server != "" || servers[k].Reach == model.ProbesGlobal || servers[k].Reach == model.ProbesLocal) {
				rows = append(rows, d.probed(&servers[k]))
			}
		}
	}
	for _, address := range i.Scope.Servers {
		if name := d.serverName(address); name != "" {
			add(model.ProbedQuery{Server: name, Limit: 1})
		}
	}
	if len(i.Scope.Servers) == 0 {
		add(model.ProbedQuery{Limit: maxIncidentMap})
	}
	return rows
}

// shortestName is the length from which a name is told as one. Shorter ones are in many words.
const shortestName = 4

// namesAround returns the names of networks, servers and the like around an incident. It is never
// nil.
func (d *Dashboard) namesAround(i *model.Incident, servers []api.Probed) []string {
	names := []string{}
	add := func(more ...string) {
		for _, name := range more {
			if len(name) >= shortestName && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, s := range append([]model.Scope{i.Scope}, i.Others...) {
		for _, asn := range s.ASNs {
			add(d.networkName(asn), fmt.Sprintf("AS%d", asn))
		}
		for _, address := range s.Servers {
			add(d.serverName(address), hostOf(address))
		}
		add(s.Versions...)
		add(s.Collectors...)
	}
	for k := range servers {
		add(servers[k].Name, hostOf(servers[k].Address))
	}
	return names
}

// hostOf returns an address without its port.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}
