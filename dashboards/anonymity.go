package dashboards

import (
	"net/http"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
)

// hides reports whether a cell of so many distinct clients is not shown.
func (d *Dashboard) hides(clients uint64) bool {
	return d.o.LeastClients > 1 && clients < uint64(d.o.LeastClients)
}

// shownTotals returns the rows of enough clients, and how many others there are. A sum over
// everybody is always shown: operators see totals. So is one of nothing, which is of nobody.
func (d *Dashboard) shownTotals(totals []model.Total, everybody bool) (shown []model.Total, suppressed int) {
	for _, t := range totals {
		if !everybody && t.OK+t.Failed+t.Clipped > 0 && d.hides(t.Clients) {
			suppressed++
			continue
		}
		shown = append(shown, t)
	}
	return shown, suppressed
}

// tellSuppressed says in an answer's header how many cells are not shown.
func tellSuppressed(w http.ResponseWriter, suppressed int) {
	w.Header().Set(api.SuppressedHeader, strconv.Itoa(suppressed))
}

// Limits of history.
const (
	maxHistory    = 2000 // steps
	historySince  = time.Hour
	historyRetain = 400 * 24 * time.Hour // as far as hours may go back
)

func (d *Dashboard) getHistory(w http.ResponseWriter, r *http.Request, p *params) error {
	q := model.RollupQuery{Step: model.RollupMinute, App: p.text("app", maxText), Target: p.text("target", maxText), Type: p.outcome("type")}
	if p.oneOf("step", "1m", "1m", "1h") == "1h" {
		q.Step = model.RollupHour
	}
	since := p.span("since", historySince, historyRetain)
	if v := p.text("version", maxText); v != "" {
		q.Versions = []string{v}
	}
	for _, f := range p.list("by", facetNames()...) {
		q.By = append(q.By, model.Facet(f))
	}
	if p.err == nil && since/q.Step > maxHistory {
		p.fail("since", "must be at most "+strconv.Itoa(maxHistory)+" steps; ask for step=1h or for less")
	}
	if p.err != nil {
		return p.err
	}
	q.Since = time.Now().Add(-since).Truncate(q.Step)
	rollups, err := d.o.Reader.Rollups(r.Context(), q)
	if err != nil {
		return err
	}
	answer := api.History{StepSeconds: int(q.Step / time.Second), LeastClients: d.o.LeastClients, Rows: []api.HistoryRow{}}
	everybody := len(q.By) == 0 && len(q.Versions) == 0 && q.App == "" && q.Target == "" && q.Type == ""
	for _, v := range rollups {
		if !everybody && d.hides(v.Clients) {
			answer.Suppressed++
			continue
		}
		answer.Rows = append(answer.Rows, d.historyRow(&v, q.By))
	}
	tellSuppressed(w, answer.Suppressed)
	return writeJSON(w, answer)
}

func facetNames() (names []string) {
	for _, f := range model.Facets() {
		names = append(names, string(f))
	}
	return names
}

func (d *Dashboard) historyRow(v *model.Rollup, by []model.Facet) api.HistoryRow {
	row := api.HistoryRow{At: stamp(v.At), OK: rounded(v.OK), Failed: rounded(v.Failed), Reports: v.Reports, Clients: v.Clients}
	k := &v.Key
	for _, f := range by {
		switch f {
		case model.FacetApp:
			row.App = &k.App
		case model.FacetVersion:
			row.Version = &k.Version
		case model.FacetOS:
			row.OS = &k.OS
		case model.FacetTarget:
			row.Target = &k.Target
		case model.FacetType:
			row.Type = &k.Outcome
		case model.FacetASN:
			row.ASN, row.ASName = &k.ASN, d.networkName(k.ASN)
		case model.FacetCountry:
			row.Country = &k.Country
		case model.FacetSource:
			row.Source = new(k.Source.String())
		}
	}
	return row
}
