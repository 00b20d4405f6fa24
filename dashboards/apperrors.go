package dashboards

import (
	"encoding/hex"
	"net/http"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
)

// Limits of causes of errors.
const (
	defaultErrors = 100
	maxErrors     = 1000
	errorsSince   = 7 * 24 * time.Hour
)

func (d *Dashboard) getErrors(w http.ResponseWriter, r *http.Request, p *params) error {
	q := model.FingerprintQuery{
		App: p.text("app", maxText), NewIn: p.text("new_in", maxText),
		Until: p.moment("until"), Limit: p.integer("limit", defaultErrors, 1, maxErrors),
	}
	q.Since = endOf(q.Until).Add(-p.span("since", errorsSince, historyRetain))
	if text := p.text("fingerprint", maxText); text != "" {
		if n, err := hex.Decode(q.Fingerprint[:], []byte(text)); err != nil || n != len(q.Fingerprint) || len(text) != 2*len(q.Fingerprint) {
			p.fail("fingerprint", "must be 32 hexadecimal digits")
		}
	}
	if p.err != nil {
		return p.err
	}
	all, err := d.o.Reader.Fingerprints(r.Context(), q)
	if err != nil {
		return err
	}
	answer := api.AppErrors{LeastClients: d.o.LeastClients, Errors: []api.AppError{}}
	for _, f := range all {
		if d.hides(f.Clients) {
			answer.Suppressed++
			continue
		}
		answer.Errors = append(answer.Errors, api.AppError{Fingerprint: hex.EncodeToString(f.Fingerprint[:]), App: f.App, ErrorType: f.Type, Type: f.Outcome,
			First: stamp(f.First), Last: stamp(f.Last), FirstVersion: f.FirstVersion, LastVersion: f.LastVersion, Count: f.Errors, Clients: f.Clients})
	}
	tellSuppressed(w, answer.Suppressed)
	return writeJSON(w, answer)
}
