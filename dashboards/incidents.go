package dashboards

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
)

// Limits of incidents.
const (
	incidentsSince = 24 * time.Hour
	liveIncidents  = 200
)

func (d *Dashboard) getIncidents(w http.ResponseWriter, r *http.Request, p *params) error {
	since := p.span("since", incidentsSince, d.o.Retention)
	if p.err != nil {
		return p.err
	}
	incidents, err := d.o.Reader.Incidents(r.Context(), time.Now().Add(-since))
	if err != nil {
		return err
	}
	rows, err := d.annotated(r.Context(), incidents)
	if err != nil {
		return err
	}
	w.Header().Set("X-Total-Count", strconv.Itoa(len(rows)))
	return writeJSON(w, rows)
}

// maxID is the greatest id of an incident that a parameter may name.
const maxID = 1<<53 - 1 // what a JSON number of a browser holds

// incident returns the incident with an id, or errNoIncident.
func (d *Dashboard) incident(ctx context.Context, id int64, now time.Time) (*model.Incident, error) {
	all, err := d.o.Reader.Incidents(ctx, now.Add(-d.o.Retention))
	if err != nil {
		return nil, err
	}
	if i := incidentWith(all, id); i != nil {
		return i, nil
	}
	return nil, errNoIncident
}

// incidentRows converts incidents. The result is never nil.
func (d *Dashboard) incidentRows(incidents []model.Incident) []api.Incident {
	rows := make([]api.Incident, len(incidents))
	for i, in := range incidents {
		rows[i] = api.Incident{
			ID: in.ID, Title: in.Title, App: in.App, Target: in.Target, Outcome: in.Outcome, Also: list(in.Also),
			Verdict: in.Verdict, Page: in.Pages(), Late: in.Late, Scope: d.scope(in.Scope), Others: []api.Scope{}, Share: in.Share,
			Since: stamp(in.Since), Reopened: in.Reopened, Severity: rounded(in.Severity),
			Failed: rounded(in.Failed), Requests: rounded(in.Requests), Expected: rounded(in.Expected),
			Clients: in.Clients, Buckets: in.Buckets, Networks: in.Networks, Evidence: sentences(in.Evidence), Signals: []api.Signal{},
		}
		for _, s := range in.Others {
			rows[i].Others = append(rows[i].Others, d.scope(s))
		}
		for _, s := range in.Evidence {
			rows[i].Signals = append(rows[i].Signals, api.Signal(s))
		}
		if !in.Open() {
			rows[i].Until = stamp(in.Until)
		}
	}
	return rows
}

// sentences is never nil.
func sentences(signals []model.Signal) []string {
	texts := make([]string, len(signals))
	for i, s := range signals {
		texts[i] = s.Text
	}
	return texts
}

func (d *Dashboard) scope(s model.Scope) api.Scope {
	networks := make([]api.Network, len(s.ASNs))
	for i, asn := range s.ASNs {
		networks[i] = api.Network{ASN: asn, Name: d.networkName(asn)}
	}
	return api.Scope{Networks: networks, Countries: list(s.Countries), Servers: list(s.Servers), Versions: list(s.Versions), Systems: list(s.Systems),
		Protocols: list(s.Protocols), Statuses: list(s.Statuses), Collectors: list(s.Collectors)}
}

// list returns s, or an empty slice if s is nil, so that the JSON is an array.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// incidents reads the section for the page.
func (l *look) incidents() (any, error) {
	incidents, err := l.recentIncidents()
	if err != nil {
		return nil, err
	}
	return l.d.annotated(l.ctx, incidents[:min(len(incidents), liveIncidents)])
}
