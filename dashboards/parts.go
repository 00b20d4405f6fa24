package dashboards

import (
	"net/http"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

func (d *Dashboard) getParts(w http.ResponseWriter, _ *http.Request, p *params) error {
	if p.err != nil {
		return p.err
	}
	return writeJSON(w, d.partRows())
}

// partRows is never nil.
func (d *Dashboard) partRows() []api.Part {
	all := d.o.Parts()
	rows := make([]api.Part, len(all))
	for i, p := range all {
		rows[i] = api.Part{Kind: p.Kind, Name: p.Name, State: p.State, Text: p.Text}
		if !p.Since.IsZero() {
			rows[i].Since = stamp(p.Since)
		}
	}
	return rows
}

// parts reads the section for the page.
func (l *look) parts() (any, error) { return l.d.partRows(), nil }
