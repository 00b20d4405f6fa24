package dashboards

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// Limits of answers, in rows.
const (
	defaultTotals = 1000
	liveNetworks  = 200
)

// totalJSON is one row of totals: the dimensions asked for, and sums.
type totalJSON struct {
	Type     *string `json:"type,omitempty"`
	App      *string `json:"app,omitempty"`
	Target   *string `json:"target,omitempty"`
	ASN      *uint32 `json:"asn,omitempty"`
	ASName   string  `json:"as_name,omitempty"`
	Country  *string `json:"country,omitempty"`
	Server   *string `json:"server,omitempty"`
	Protocol *string `json:"protocol,omitempty"`
	Status   *uint16 `json:"status,omitempty"`
	Source   *string `json:"source,omitempty"`
	OK       float64 `json:"ok"`
	Failed   float64 `json:"failed"`
	Clients  uint64  `json:"clients"`
}

// totalsJSON is what the page shows of totals.
type totalsJSON struct {
	WindowSeconds int         `json:"window_seconds"`
	Outcomes      []totalJSON `json:"outcomes"`
	Networks      []totalJSON `json:"networks"`      // the first of them
	NetworkCount  int         `json:"network_count"` // how many there are
	Collectors    []totalJSON `json:"collectors"`    // deliveries of reports
}

func (d *Dashboard) getTotals(w http.ResponseWriter, r *http.Request) error {
	p := paramsOf(r, "since", "by", "limit")
	since := p.span("since", d.o.Window, d.o.Retention)
	by := p.dimensions("by")
	limit := p.integer("limit", defaultTotals, 1, model.MaxRows)
	if p.err != nil {
		return p.err
	}
	totals, err := d.o.Reader.Totals(r.Context(), model.TotalsQuery{Since: time.Now().Add(-since), By: by})
	if err != nil {
		return err
	}
	w.Header().Set("X-Total-Count", strconv.Itoa(len(totals)))
	return writeJSON(w, d.totalRows(totals[:min(limit, len(totals))]))
}

// totalRows is never nil: an empty answer is [], not null.
func (d *Dashboard) totalRows(totals []model.Total) []totalJSON {
	rows := make([]totalJSON, len(totals))
	for i, t := range totals {
		rows[i] = d.totalRow(t)
	}
	return rows
}

func (d *Dashboard) totalRow(t model.Total) totalJSON {
	row := totalJSON{OK: rounded(t.OK), Failed: rounded(t.Failed), Clients: t.Clients}
	for dim := range t.By.Each() {
		switch dim {
		case model.ByOutcome:
			row.Type = new(string(t.Key.Outcome))
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

// rounded keeps estimates short.
func rounded(x float64) float64 { return math.Round(x*1000) / 1000 }

// networkName is the name of a network, "" when unknown.
func (d *Dashboard) networkName(asn uint32) string {
	if asn == 0 {
		return ""
	}
	return d.o.NetworkName(asn)
}

// liveTotals is the page's share.
func (d *Dashboard) liveTotals(ctx context.Context, now time.Time) (any, error) {
	since := now.Add(-d.o.Window)
	outcomes, err := d.o.Reader.Totals(ctx, model.TotalsQuery{Since: since, By: model.DimensionsOf(model.ByOutcome)})
	if err != nil {
		return nil, err
	}
	networks, err := d.o.Reader.Totals(ctx, model.TotalsQuery{Since: since, By: model.DimensionsOf(model.ByASN)})
	if err != nil {
		return nil, err
	}
	collectors, err := d.o.Reader.Totals(ctx, model.TotalsQuery{Since: since, By: model.DimensionsOf(model.ByTarget), Delivery: true})
	if err != nil {
		return nil, err
	}
	return totalsJSON{
		WindowSeconds: int(d.o.Window / time.Second),
		Outcomes:      d.totalRows(outcomes),
		Networks:      d.totalRows(networks[:min(len(networks), liveNetworks)]),
		NetworkCount:  len(networks),
		Collectors:    d.totalRows(collectors),
	}, nil
}
