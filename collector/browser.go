package collector

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// Limits of one Reporting API upload. Chromium keeps 100 reports at most.
const (
	MaxReportsBody = 512 << 10 // bytes
	MaxReports     = 512       // reports; what comes after is dropped and counted
)

// serveReports takes what browsers send by the W3C Reporting API. Any 2xx means "delivered" to
// them, and anything else that they come back: so a collector that cannot keep reports drops and
// counts them, and answers 204. Only what no browser sends is refused.
func (c *Collector) serveReports(w http.ResponseWriter, r *http.Request) error {
	allowOrigins(w)
	legacy := httpx.HasType(r.Header, typeLegacyCSP)
	if !legacy && !httpx.HasType(r.Header, "application/reports+json", "application/json") {
		httpx.LeaveBody(w, r)
		return httpx.NewError(http.StatusUnsupportedMediaType, "want Content-Type application/reports+json")
	}
	if !c.gate.Enter() {
		c.dropUpload(w, r, dropUnavailable)
		return nil
	}
	defer c.gate.Leave()
	now, from := time.Now(), c.settings.Load().client(r)
	network := c.networks.Network(now, from)
	if shed := c.admit(now, network); shed != nil {
		c.dropUpload(w, r, dropOverload)
		return nil
	}
	defer c.leave(network)
	c.bodyDeadline(w, now)
	body, err := c.readBody(w, r, MaxReportsBody)
	if err == errMemory {
		c.shed(shedMemory, 1)
		c.dropUpload(w, r, dropOverload)
		return nil
	} else if err != nil {
		httpx.LeaveBody(w, r)
		return err
	}
	c.metrics.received.reports.Add(float64(len(body.bytes)))
	c.networks.Charge(network, len(body.bytes))
	kept, err := c.decodeUpload(r, body.bytes, legacy)
	body.free()
	if err != nil {
		return httpx.NewError(http.StatusBadRequest, "body must be a JSON array of reports, or of "+typeLegacyCSP+" one: "+err.Error())
	}
	if err := c.keepReports(from, kept); err != nil {
		c.o.Logger.Error("browser reports could not be sealed", "error", err)
		c.drop(dropFailed, kept.len())
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
	httpx.LeaveBody(w, r)
	w.WriteHeader(http.StatusNoContent)
}

// decodeUpload reads an upload of either format.
func (c *Collector) decodeUpload(r *http.Request, body []byte, legacy bool) (*keptReports, error) {
	if legacy {
		return c.decodeLegacyCSP(body, r.UserAgent())
	}
	return c.decodeReports(body)
}

// keepReports seals an upload's reports and makes them durable, or drops and counts them.
func (c *Collector) keepReports(from netip.Addr, kept *keptReports) error {
	if kept.len() == 0 {
		return nil
	}
	s, now := c.settings.Load(), time.Now()
	consent := report.Off
	if s.policy != nil {
		consent = s.policy.Effective(report.Diagnostics, now)
	}
	if consent == report.Off {
		c.drop(dropDisabled, kept.len())
		return nil
	}
	id, err := report.NewBatchID(now, rand.Reader)
	if err != nil {
		return err
	}
	header := kept.userAgent.header(consent, c.tokens.token(now, from, kept.userAgent.raw))
	pages, left := pageErrors(kept.pages, consent)
	segment, full, err := sealReports(s.sealKey, id, header, windows(kept.nel, s.policy.WindowMS), pages,
		samples(kept.nel, s.policy.SamplesPerWindow, consent))
	if err != nil {
		return err
	}
	c.drop(dropOverflow, left+full)
	a := c.store(Entry{Envelope: c.envelope(from, id, report.Delivery{}, segment), Body: sha256.Sum256(segment)}, nil)
	c.metrics.batches.WithLabelValues("browser", a.statement.Decision.String(), a.statement.Reason).Inc()
	if a.statement.Decision != receipt.Stored {
		c.drop(dropUnavailable, kept.len()-left-full)
	}
	return nil
}

// sealReports makes a segment of a header and what follows it. Samples that find no room are left
// out: their requests are counted. So are errors of pages, and the number of reports that they
// stand for is returned.
func sealReports(key *seal.Key, id report.BatchID, h *report.Header, ws []*report.Window, pages []*report.ApplicationError,
	ss []*report.Sample) (segment []byte, left int, err error) {
	sealer, err := seal.NewSealer(key, id)
	if err != nil {
		return nil, 0, err
	}
	segment = append([]byte(nil), sealer.Prefix()...)
	appendRecord := func(r report.Record) error {
		record, err := report.AppendRecord(nil, r)
		if err == nil {
			segment, err = sealer.Seal(segment, record)
		}
		return err
	}
	if err := appendRecord(h); err != nil {
		return nil, 0, err
	}
	for _, w := range ws {
		if err := appendRecord(w); err != nil {
			return nil, 0, err
		}
	}
	for _, p := range pages {
		if err := appendRecord(p); errors.Is(err, privacy.ErrTooLarge) {
			left += int(p.Count)
		} else if err != nil {
			return nil, 0, err
		}
	}
	for _, s := range ss {
		if err := appendRecord(s); errors.Is(err, privacy.ErrTooLarge) {
			break
		} else if err != nil {
			return nil, 0, err
		}
	}
	return seal.AppendEnd(segment), left, nil
}
