package collector

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"time"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/report"
)

// Limits of one Reporting API upload. Chromium keeps 100 reports at most.
const (
	MaxReportsBody = 512 << 10 // bytes
	MaxReports     = 512       // reports; what comes after is dropped and counted
)

// serveReports takes what browsers send by the W3C Reporting API. Any 2xx means "delivered" to them, and anything else that they come
// back: so a collector that cannot keep reports drops and counts them, and answers 204. Only what no browser sends is refused.
func (c *Collector) serveReports(w http.ResponseWriter, r *http.Request) error {
	allowOrigins(w)
	if !hasType(r, "application/reports+json", "application/json") {
		leaveBody(w, r)
		return &httpError{http.StatusUnsupportedMediaType, "want Content-Type application/reports+json"}
	}
	if !c.gate.enter() {
		c.dropUpload(w, r, dropUnavailable)
		return nil
	}
	defer c.gate.leave()
	if !c.uploads.enter() {
		c.dropUpload(w, r, dropOverload)
		return nil
	}
	defer c.uploads.leave()

	body, err := readBody(w, r, MaxReportsBody)
	if err != nil {
		leaveBody(w, r)
		return err
	}
	c.metrics.received.WithLabelValues("reports").Add(float64(len(*body)))
	reports, err := c.decodeReports(*body, c.settings.Load().KeepServerAddress)
	putBuffer(body)
	if err != nil {
		return &httpError{http.StatusBadRequest, "body must be a JSON array of reports: " + err.Error()}
	}
	if err := c.keepReports(r, reports); err != nil {
		c.o.Logger.Error("browser reports could not be sealed", "error", err)
		c.drop(dropFailed, len(reports))
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Reasons for which browser reports are not kept.
const (
	dropOverload    = "overload"    // counts uploads: their bodies were not read
	dropUnavailable = "unavailable" // the inbox took nothing, or the collector is shutting down
	dropDisabled    = "disabled"    // the policy allows no collection, or there is none
	dropType        = "type"        // a type that is not kept
	dropInvalid     = "invalid"     // a report that breaks the format's rules
	dropOverflow    = "overflow"    // beyond MaxReports in one upload
	dropFailed      = "failed"      // could not be sealed
)

func (c *Collector) drop(reason string, n int) {
	if n > 0 {
		c.metrics.dropped.WithLabelValues(reason).Add(float64(n))
	}
}

// dropUpload answers without reading the body.
func (c *Collector) dropUpload(w http.ResponseWriter, r *http.Request, reason string) {
	c.drop(reason, 1)
	leaveBody(w, r)
	w.WriteHeader(http.StatusNoContent)
}

// keepReports seals an upload's reports and makes them durable, or drops and counts them.
func (c *Collector) keepReports(r *http.Request, reports []nelReport) error {
	if len(reports) == 0 {
		return nil
	}
	s, now := c.settings.Load(), time.Now()
	consent := report.Off
	if s.policy != nil {
		consent = s.policy.Effective(report.Diagnostics, now)
	}
	if consent == report.Off {
		c.drop(dropDisabled, len(reports))
		return nil
	}
	id, err := report.NewBatchID(now, rand.Reader)
	if err != nil {
		return err
	}
	// One upload comes from one browser, whatever its reports say: so one upload is one client.
	agent := reports[0].userAgent
	header := agent.header(consent, c.tokens.token(now, peerAddr(r), agent.raw))
	segment, err := sealReports(s.sealKey, id, header, windows(reports, s.policy.WindowMS), samples(reports, s.policy.SamplesPerWindow, consent))
	if err != nil {
		return err
	}
	u := &upload{entry: Entry{Envelope: c.envelope(r, id, report.Delivery{}, segment), Body: sha256.Sum256(segment)}}
	a, _ := c.store(u)
	c.metrics.batches.WithLabelValues("browser", a.statement.Verdict.String(), a.statement.Reason).Inc()
	if a.statement.Verdict != privacy.Stored {
		c.drop(dropUnavailable, len(reports))
	}
	return nil
}

// sealReports makes a segment of a header and what follows it. Samples that find no room are left out: their requests are counted.
func sealReports(key *privacy.SealKey, id report.BatchID, h *report.Header, ws []*report.Window, ss []*report.Sample) ([]byte, error) {
	sealer, err := privacy.NewSealer(key, id)
	if err != nil {
		return nil, err
	}
	segment := append([]byte(nil), sealer.Prefix()...)
	seal := func(r report.Record) error {
		record, err := report.AppendRecord(nil, r)
		if err == nil {
			segment, err = sealer.Seal(segment, record)
		}
		return err
	}
	if err := seal(h); err != nil {
		return nil, err
	}
	for _, w := range ws {
		if err := seal(w); err != nil {
			return nil, err
		}
	}
	for _, s := range ss {
		if err := seal(s); errors.Is(err, privacy.ErrTooLarge) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	return privacy.AppendEnd(segment), nil
}
