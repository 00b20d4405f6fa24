package dashboards

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Limits of reports.
const (
	defaultReports = 100
	maxReports     = 1000
	liveReports    = 12
)

// liveReportsSince is how old the page's latest samples may be.
const liveReportsSince = time.Hour

// reportJSON is one sample.
type reportJSON struct {
	At        time.Time      `json:"at"`
	Type      report.Outcome `json:"type"`
	Phase     report.Phase   `json:"phase,omitempty"`
	App       string         `json:"app"`
	Version   string         `json:"version,omitempty"`
	OS        string         `json:"os,omitempty"`
	Source    string         `json:"source"`
	Target    string         `json:"target"`
	Method    string         `json:"method"`
	URL       string         `json:"url"`
	Status    uint16         `json:"status,omitempty"`
	Protocol  string         `json:"protocol,omitempty"`
	Server    string         `json:"server,omitempty"`
	ASN       uint32         `json:"asn"`
	ASName    string         `json:"as_name,omitempty"`
	Country   string         `json:"country,omitempty"`
	ElapsedMS int64          `json:"elapsed_ms"`
	TraceID   string         `json:"trace_id,omitempty"` // 32 hex digits

	// Of application errors only.
	ErrorType   string `json:"error_type,omitempty"`
	Message     string `json:"message,omitempty"`
	Stack       string `json:"stack,omitempty"`       // a line per call
	Fingerprint string `json:"fingerprint,omitempty"` // 32 hex digits
	Count       uint64 `json:"count,omitempty"`
}

func (d *Dashboard) getReports(w http.ResponseWriter, r *http.Request) error {
	p := paramsOf(r, "type", "target", "since", "limit")
	outcome := report.Outcome(p.text("type", report.MaxOutcome))
	if outcome != "" && !outcome.Valid() {
		p.fail("type", "must be an outcome such as tcp.reset, or the first words of one such as tls.cert")
	}
	q := model.SampleQuery{
		Type:   outcome,
		Target: p.text("target", report.MaxString),
		Since:  time.Now().Add(-p.span("since", time.Hour, d.o.Retention)),
		Limit:  p.integer("limit", defaultReports, 1, maxReports),
	}
	if p.err != nil {
		return p.err
	}
	rows, err := d.reportRows(r.Context(), q)
	if err != nil {
		return err
	}
	return writeJSON(w, rows)
}

func (d *Dashboard) reportRows(ctx context.Context, q model.SampleQuery) ([]reportJSON, error) {
	samples, err := d.o.Reader.Samples(ctx, q)
	if err != nil {
		return nil, err
	}
	rows := make([]reportJSON, len(samples))
	for i, s := range samples {
		rows[i] = reportJSON{
			At: stamp(s.At), Type: s.Outcome, Phase: s.Phase,
			App: s.App, Version: s.Version, OS: s.OS, Source: s.Source.String(), Target: s.Target,
			Method: s.Method, URL: s.URL, Status: s.Status, Protocol: s.Protocol, Server: s.Server,
			ASN: s.ASN, ASName: d.networkName(s.ASN), Country: s.Country, ElapsedMS: s.Elapsed.Milliseconds(),
		}
		if s.TraceID != [16]byte{} {
			rows[i].TraceID = hex.EncodeToString(s.TraceID[:])
		}
		if s.Fingerprint != [16]byte{} {
			rows[i].Fingerprint = hex.EncodeToString(s.Fingerprint[:])
			rows[i].ErrorType, rows[i].Message, rows[i].Stack, rows[i].Count = s.ErrorType, s.Message, s.Stack, s.Count
		}
	}
	return rows, nil
}

// stamp is how times go out: in UTC, to the millisecond.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// liveReports is the page's share.
func (d *Dashboard) liveReports(ctx context.Context, now time.Time) (any, error) {
	return d.reportRows(ctx, model.SampleQuery{Since: now.Add(-liveReportsSince), Limit: liveReports})
}
