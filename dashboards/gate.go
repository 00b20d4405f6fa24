package dashboards

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
)

// gateSince is how far back a gate looks at most: minutes are not kept longer.
const gateSince = 24 * time.Hour

func (d *Dashboard) getGate(w http.ResponseWriter, r *http.Request, p *params) error {
	q := model.GateQuery{App: p.text("app", maxText), Version: p.text("version", maxText), Against: p.text("against", maxText),
		Since: time.Now().Add(-p.span("since", 30*time.Minute, gateSince)),
		Error: p.share("error", 0.01), Detect: p.share("detect", 0.02)}
	for _, name := range []string{"app", "version", "against"} {
		if p.err == nil && p.values.Get(name) == "" {
			p.fail(name, "must be given")
		}
	}
	if p.err == nil && q.Version == q.Against {
		p.fail("against", "must be another version")
	}
	if p.err != nil {
		return p.err
	}
	if d.o.Gate == nil {
		return errNotFound
	}
	g, err := d.o.Gate(r.Context(), q)
	if err != nil {
		return err
	}
	if d.hides(g.Clients) && slices.ContainsFunc(g.Tests, func(t model.GateMeasure) bool { return t.Requests+t.AgainstRequests+t.Troubles+t.AgainstTroubles > 0 }) {
		tellSuppressed(w, len(g.Tests))
		g.Title = fmt.Sprintf("%s %s, beside %s: the numbers are not shown, because fewer than %d clients of one of them were seen in any minute", q.App, q.Version, q.Against, d.o.LeastClients)
		g.For, g.Tests = nil, nil
	}
	answer := api.Gate{State: api.GateState(g.State), Title: g.Title, For: list(g.For), Tests: []api.GateMeasure{}}
	for _, t := range g.Tests {
		answer.Tests = append(answer.Tests, api.GateMeasure{Name: t.Name, State: api.GateState(t.State), Requests: rounded(t.Requests), AgainstRequests: rounded(t.AgainstRequests),
			Troubles: rounded(t.Troubles), AgainstTroubles: rounded(t.AgainstTroubles), Difference: t.Difference, Low: t.Low, High: t.High})
	}
	return writeJSON(w, answer)
}
