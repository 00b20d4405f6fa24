package dashboards

import (
	"net/http"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

func (d *Dashboard) getObjectives(w http.ResponseWriter, _ *http.Request, p *params) error {
	if p.err != nil {
		return p.err
	}
	return writeJSON(w, d.objectiveRows())
}

// objectives reads the section for the page.
func (l *look) objectives() (any, error) { return l.d.objectiveRows(), nil }

// objectiveRows is never nil.
func (d *Dashboard) objectiveRows() []api.Objective {
	all := d.o.Objectives()
	rows := make([]api.Objective, len(all))
	for i, s := range all {
		rows[i] = api.Objective{Target: s.Target, Share: s.Share, Requests: rounded(s.Requests), Failed: rounded(s.Failed),
			BudgetLeft: rounded(s.BudgetLeft), Burn: make([]api.BurnRate, len(s.Burn)), Alert: string(s.Alert), Why: s.Why}
		ms := func(d time.Duration) float64 { return rounded(float64(d) / float64(time.Millisecond)) }
		rows[i].WithinMS, rows[i].P50MS, rows[i].P95MS, rows[i].P99MS = ms(s.Within), ms(s.Latest.P50), ms(s.Latest.P95), ms(s.Latest.P99)
		for k, b := range s.Burn {
			rows[i].Burn[k] = api.BurnRate{Window: api.FormatSpan(b.Window), Rate: rounded(b.Rate)}
		}
	}
	return rows
}
