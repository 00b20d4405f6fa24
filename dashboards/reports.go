package dashboards

import (
	"context"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Limits of reports.
const (
	defaultReports = 100
	maxReports     = 1000
	liveReports    = 12
)

// liveReportsSince is the greatest age of the samples on the page.
const liveReportsSince = time.Hour

func (d *Dashboard) getReports(w http.ResponseWriter, r *http.Request, p *params) error {
	q := model.SampleQuery{
		Type:   p.outcome("type"),
		Target: p.text("target", report.MaxString),
		Scope:  p.where(),
		Text:   p.search("q"),
		Until:  p.moment("until"),
		Limit:  p.integer("limit", defaultReports, 1, maxReports),
	}
	since := p.span("since", time.Hour, d.o.Retention)
	if p.err != nil {
		return p.err
	}
	q.Since = endOf(q.Until).Add(-since)
	rows, err := d.reportRows(r.Context(), q)
	if err != nil {
		return err
	}
	return writeJSON(w, rows)
}

func (d *Dashboard) reportRows(ctx context.Context, q model.SampleQuery) ([]api.Report, error) {
	samples, err := d.o.Reader.Samples(ctx, q)
	if err != nil {
		return nil, err
	}
	rows := make([]api.Report, len(samples))
	for i, s := range samples {
		rows[i] = api.Report{
			At: stamp(s.At), Type: s.Outcome, Phase: s.Phase,
			App: s.App, Version: s.Version, OS: s.OS, Source: s.Source.String(), Target: s.Target,
			Method: s.Method, URL: s.URL, Status: s.Status, Protocol: s.Protocol, Server: s.Server,
			ASN: s.ASN, ASName: d.networkName(s.ASN), Country: s.Country, ElapsedMS: s.Elapsed.Milliseconds(),
		}
		if s.TraceID != [16]byte{} {
			rows[i].TraceID = hex.EncodeToString(s.TraceID[:])
			rows[i].TraceURL = strings.ReplaceAll(d.o.TraceURL, TraceID, rows[i].TraceID)
		}
		if e := s.Error; e != (model.ApplicationError{}) {
			rows[i].Fingerprint = hex.EncodeToString(e.Fingerprint[:])
			rows[i].ErrorType, rows[i].Message, rows[i].Stack, rows[i].Count = e.Type, e.Message, e.Stack, e.Count
		}
	}
	return rows, nil
}

// stamp returns t as sent in answers: in UTC, to the millisecond.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// reports reads the section for the page.
func (l *look) reports() (any, error) {
	return l.d.reportRows(l.ctx, model.SampleQuery{Since: l.now.Add(-liveReportsSince), Limit: liveReports})
}
