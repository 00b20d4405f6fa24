package dashboards

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Limits of incidents.
const (
	incidentsSince = 24 * time.Hour
	liveIncidents  = 200
)

// incidentJSON is one incident; without until it is open.
type incidentJSON struct {
	ID       int64            `json:"id"`
	Title    string           `json:"title"`
	App      string           `json:"app"`
	Target   string           `json:"target"`
	Outcome  report.Outcome   `json:"outcome"`
	Also     []report.Outcome `json:"also"`
	Scope    scopeJSON        `json:"scope"`
	Since    time.Time        `json:"since"`
	Until    time.Time        `json:"until,omitzero"`
	Failed   float64          `json:"failed"`
	Requests float64          `json:"requests"`
	Expected float64          `json:"expected"`
	Clients  int              `json:"clients"`
	Evidence []string         `json:"evidence"`
}

// scopeJSON says whom an incident hits; when all lists are empty, everyone.
type scopeJSON struct {
	Networks  []networkJSON `json:"networks"`
	Countries []string      `json:"countries"`
	Servers   []string      `json:"servers"`
}

// networkJSON names an autonomous system.
type networkJSON struct {
	ASN  uint32 `json:"asn"` // 0: unknown
	Name string `json:"as_name,omitempty"`
}

func (d *Dashboard) getIncidents(w http.ResponseWriter, r *http.Request) error {
	p := paramsOf(r, "since")
	since := p.span("since", incidentsSince, d.o.Retention)
	if p.err != nil {
		return p.err
	}
	rows, err := d.incidentRows(r.Context(), time.Now().Add(-since))
	if err != nil {
		return err
	}
	w.Header().Set("X-Total-Count", strconv.Itoa(len(rows)))
	return writeJSON(w, rows)
}

func (d *Dashboard) incidentRows(ctx context.Context, since time.Time) ([]incidentJSON, error) {
	incidents, err := d.o.Reader.Incidents(ctx, since)
	if err != nil {
		return nil, err
	}
	rows := make([]incidentJSON, len(incidents))
	for i, in := range incidents {
		rows[i] = incidentJSON{
			ID: in.ID, Title: in.Title, App: in.App, Target: in.Target, Outcome: in.Outcome, Also: list(in.Also),
			Scope:  d.scope(in.Scope),
			Since:  stamp(in.Since),
			Failed: rounded(in.Failed), Requests: rounded(in.Requests), Expected: rounded(in.Expected),
			Clients: in.Clients, Evidence: list(in.Evidence),
		}
		if !in.Open() {
			rows[i].Until = stamp(in.Until)
		}
	}
	return rows, nil
}

func (d *Dashboard) scope(s model.Scope) scopeJSON {
	networks := make([]networkJSON, len(s.ASNs))
	for i, asn := range s.ASNs {
		networks[i] = networkJSON{asn, d.networkName(asn)}
	}
	return scopeJSON{Networks: networks, Countries: list(s.Countries), Servers: list(s.Servers)}
}

// list makes an empty JSON array of nil.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// liveIncidents is the page's share.
func (d *Dashboard) liveIncidents(ctx context.Context, now time.Time) (any, error) {
	rows, err := d.incidentRows(ctx, now.Add(-incidentsSince))
	return rows[:min(len(rows), liveIncidents)], err
}
