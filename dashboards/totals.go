package dashboards

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/detector"
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
	Status   *uint32 `json:"status,omitempty"`
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
	by := p.list("by", detector.Dimensions...)
	limit := p.integer("limit", defaultTotals, 1, detector.MaxRows)
	if p.err != nil {
		return p.err
	}
	totals, err := d.o.Reader.Totals(r.Context(), detector.TotalsQuery{Since: time.Now().Add(-since), By: by})
	if err != nil {
		return err
	}
	w.Header().Set("X-Total-Count", strconv.Itoa(len(totals)))
	return writeJSON(w, d.totalRows(totals[:min(limit, len(totals))]))
}

// totalRows is never nil: an empty answer is [], not null.
func (d *Dashboard) totalRows(totals []detector.Total) []totalJSON {
	rows := make([]totalJSON, len(totals))
	for i, t := range totals {
		rows[i] = d.totalRow(t)
	}
	return rows
}

func (d *Dashboard) totalRow(t detector.Total) totalJSON {
	row := totalJSON{OK: rounded(t.OK), Failed: rounded(t.Failed), Clients: t.Clients}
	words := map[string]**string{
		detector.ByType: &row.Type, detector.ByApp: &row.App, detector.ByTarget: &row.Target, detector.ByCountry: &row.Country,
		detector.ByServer: &row.Server, detector.ByProtocol: &row.Protocol, detector.BySource: &row.Source,
	}
	for dim, value := range t.Dims {
		switch field := words[dim]; {
		case field != nil:
			*field = &value
		case dim == detector.ByASN:
			row.ASN = number(value)
			row.ASName = d.networkName(*row.ASN)
		case dim == detector.ByStatus:
			row.Status = number(value)
		}
	}
	return row
}

// number reads a dimension's decimal value; what is none counts as 0, which means unknown.
func number(s string) *uint32 {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		n = 0
	}
	return new(uint32(n))
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
	outcomes, err := d.o.Reader.Totals(ctx, detector.TotalsQuery{Since: since, By: []string{detector.ByType}})
	if err != nil {
		return nil, err
	}
	networks, err := d.o.Reader.Totals(ctx, detector.TotalsQuery{Since: since, By: []string{detector.ByASN}})
	if err != nil {
		return nil, err
	}
	collectors, err := d.o.Reader.Totals(ctx, detector.TotalsQuery{Since: since, By: []string{detector.ByTarget}, Delivery: true})
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
