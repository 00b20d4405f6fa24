package dashboards

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
)

// Limits of applications.
const (
	applicationsSince = time.Hour
	applicationsMost  = 24 * time.Hour
	applicationRows   = 200
)

// getApplications says what each release of each application has sent lately.
func (d *Dashboard) getApplications(w http.ResponseWriter, r *http.Request, p *params) error {
	since := p.span("since", applicationsSince, applicationsMost)
	if p.err != nil {
		return p.err
	}
	q := model.RollupQuery{Step: model.RollupMinute, Since: time.Now().Add(-since).Truncate(time.Minute),
		By: []model.Facet{model.FacetApp, model.FacetVersion, model.FacetSource}}
	rollups, err := d.o.Reader.Rollups(r.Context(), q)
	if err != nil {
		return err
	}
	answer := api.Applications{SpanSeconds: int(since / time.Second), LeastClients: d.o.LeastClients, Rows: []api.ApplicationSent{}}
	for _, a := range summed(rollups) {
		if d.hides(a.Clients) {
			answer.Suppressed++
			continue
		}
		if len(answer.Rows) < applicationRows {
			answer.Rows = append(answer.Rows, a)
		}
	}
	tellSuppressed(w, answer.Suppressed)
	return writeJSON(w, answer)
}

// summed adds the minutes of each release, by application, the release with most requests first.
func summed(rollups []model.Rollup) []api.ApplicationSent {
	all, first := map[model.RollupKey]*api.ApplicationSent{}, map[model.RollupKey]time.Time{}
	var keys []model.RollupKey
	for _, v := range rollups { // the earliest first
		a := all[v.Key]
		if a == nil {
			a = &api.ApplicationSent{App: v.Key.App, Version: v.Key.Version, Source: v.Key.Source.String()}
			all[v.Key], first[v.Key] = a, v.At
			keys = append(keys, v.Key)
		}
		a.OK, a.Failed = a.OK+v.OK, a.Failed+v.Failed
		a.Clients, a.LastSeen = max(a.Clients, v.Clients), stamp(v.At)
	}
	rows := make([]api.ApplicationSent, len(keys))
	for i, k := range keys {
		a := all[k]
		minutes := a.LastSeen.Sub(first[k]).Minutes() + 1
		a.OK, a.Failed, a.PerMinute = rounded(a.OK), rounded(a.Failed), rounded((a.OK+a.Failed)/minutes)
		rows[i] = *a
	}
	slices.SortStableFunc(rows, func(a, b api.ApplicationSent) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(b.OK+b.Failed, a.OK+a.Failed), cmp.Compare(a.Version, b.Version))
	})
	return rows
}
