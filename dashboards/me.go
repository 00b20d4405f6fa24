package dashboards

import (
	"net/http"

	"github.com/heliograph-net/heliograph/dashboards/access"
	"github.com/heliograph-net/heliograph/dashboards/api"
)

func (d *Dashboard) getMe(w http.ResponseWriter, r *http.Request, p *params) error {
	if p.err != nil {
		return p.err
	}
	who := access.Of(r.Context())
	return writeJSON(w, api.Me{Name: who.Name, Role: string(who.Role), How: who.How})
}
