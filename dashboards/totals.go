package dashboards

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Limits of answers, in rows.
const (
	defaultTotals = 1000
	liveNetworks  = 200
)

func (d *Dashboard) getTotals(w http.ResponseWriter, r *http.Request, p *params) error {
	since := p.span("since", d.o.Window, d.o.Retention)
	by := p.dimensions("by")
	q := model.TotalsQuery{By: by, Type: p.outcome("type"), Target: p.text("target", report.MaxString), Until: p.moment("until"), Scope: p.where()}
	q.Picked, q.PickedBy = p.picked()
	limit := p.integer("limit", defaultTotals, 1, model.MaxRows)
	if p.err != nil {
		return p.err
	}
	q.Since = endOf(q.Until).Add(-since)
	totals, err := d.o.Reader.Totals(r.Context(), q)
	if err != nil {
		return err
	}
	everybody := q.By == 0 && q.Type == "" && q.Target == "" && q.PickedBy == 0 && q.Scope.Everyone()
	totals, suppressed := d.shownTotals(totals, everybody)
	w.Header().Set("X-Total-Count", strconv.Itoa(len(totals)))
	tellSuppressed(w, suppressed)
	return writeJSON(w, d.totalRows(totals[:min(limit, len(totals))]))
}

// endOf returns the end of a span, which is now if until is zero.
func endOf(until time.Time) time.Time {
	if until.IsZero() {
		return time.Now()
	}
	return until
}

// totalRows converts totals. The result is never nil, so an empty answer is [], not null.
func (d *Dashboard) totalRows(totals []model.Total) []api.Total {
	rows := make([]api.Total, len(totals))
	for i, t := range totals {
		rows[i] = d.totalRow(t)
	}
	return rows
}

func (d *Dashboard) totalRow(t model.Total) api.Total {
	row := api.Total{OK: rounded(t.OK), Failed: rounded(t.Failed), Clipped: rounded(t.Clipped), Clients: t.Clients, Places: t.Places}
	for dim := range t.By.Each() {
		switch dim {
		case model.ByOutcome:
			row.Type = &t.Key.Outcome
		case model.ByApp:
			row.App = &t.Key.App
		case model.ByTarget:
			row.Target = &t.Key.Target
		case model.ByASN:
			row.ASN, row.ASName = &t.Key.ASN, d.networkName(t.Key.ASN)
		case model.ByCountry:
			row.Country = &t.Key.Country
		case model.ByServer:
			row.Server = &t.Key.Server
		case model.ByProtocol:
			row.Protocol = &t.Key.Protocol
		case model.ByStatus:
			row.Status = &t.Key.Status
		case model.BySource:
			row.Source = new(t.Key.Source.String())
		}
	}
	return row
}

// rounded rounds an estimate to three decimals.
func rounded(x float64) float64 { return math.Round(x*1000) / 1000 }

// networkName returns the name of a network, or "" if unknown.
func (d *Dashboard) networkName(asn uint32) string {
	if asn == 0 {
		return ""
	}
	return d.o.NetworkName(asn)
}

// totals reads the section for the page.
func (l *look) totals() (any, error) {
	d, since := l.d, l.now.Add(-l.d.o.Window)
	outcomes, err := d.o.Reader.Totals(l.ctx, model.TotalsQuery{Since: since, By: model.DimensionsOf(model.ByOutcome)})
	if err != nil {
		return nil, err
	}
	networks, err := l.networks()
	if err != nil {
		return nil, err
	}
	collectors, err := d.o.Reader.Totals(l.ctx, model.TotalsQuery{Since: since, By: model.DimensionsOf(model.ByTarget), Delivery: true})
	if err != nil {
		return nil, err
	}
	networkCount := len(networks)
	outcomes, few := d.shownTotals(outcomes, false)
	networks, fewNetworks := d.shownTotals(networks, false)
	return api.Totals{
		WindowSeconds: int(d.o.Window / time.Second),
		Suppressed:    few + fewNetworks,
		Outcomes:      d.totalRows(outcomes),
		Networks:      d.totalRows(networks[:min(len(networks), liveNetworks)]),
		NetworkCount:  networkCount,
		Collectors:    d.collectorRows(collectors),
	}, nil
}

func (d *Dashboard) collectorRows(totals []model.Total) []api.CollectorTotal {
	rows := make([]api.CollectorTotal, len(totals))
	for i, t := range totals {
		rows[i] = api.CollectorTotal{Total: d.totalRow(t), Failing: t.Failed > t.OK}
	}
	return rows
}
