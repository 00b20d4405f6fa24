package collector

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// The limits of one Reporting API upload. Chromium stores at most 100 reports.
const (
	maxReportsBody = 512 << 10 // bytes
	maxReports     = 512       // reports; further ones are dropped and counted
)

// browser receives the uploads that browsers make with the W3C Reporting API.
type browser struct {
	id        string // the collector's
	live      *live
	admission *admission
	committer *committer
	metrics   *metrics
	log       *slog.Logger
	tokens    clientTokens
}

// serve answers 204, except to requests that no browser makes. To a browser, any 2xx means
// "delivered", and after any other status it sends the reports again. So a collector that cannot
// store reports drops and counts them.
func (b *browser) serve(w http.ResponseWriter, r *http.Request) error {
	allowOrigins(w)
	legacy := httpx.HasType(r.Header, typeLegacyCSP)
	if !legacy && !httpx.HasType(r.Header, "application/reports+json", "application/json") {
		httpx.LeaveBody(w, r)
		return httpx.NewError(http.StatusUnsupportedMediaType, "want Content-Type application/reports+json")
	}
	err := b.take(w, r, legacy)
	if s, ok := errors.AsType[*shed](err); ok {
		b.drop(droppedFor(s), 1)
	} else if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// take stores the permitted part of an upload.
func (b *browser) take(w http.ResponseWriter, r *http.Request, legacy bool) error {
	s := b.live.load()
	from := s.client(r)
	place, err := b.admission.enter(w, r, b.admission.network(from))
	if err != nil {
		return err
	}
	defer place.leave()
	body, err := place.read(w, r, maxReportsBody)
	if err != nil {
		return err
	}
	b.metrics.received.reports.Add(float64(len(body.bytes)))
	sealed, err := b.seal(s, from, body, legacy, r.UserAgent())
	if err != nil || sealed.segment == nil {
		return err
	}
	held := b.admission.memory.hold(sealed.segment)
	if held == nil {
		b.drop(dropOverload, sealed.reports)
		return nil
	}
	if !b.committer.deposit("browser", b.id, s.network(from), sealed.id, held) {
		b.drop(dropUnavailable, sealed.reports)
	}
	return nil
}

// sealedReports is what remains of an upload while it waits for the inbox.
type sealedReports struct {
	id      report.BatchID
	segment []byte // nil: there is nothing to store
	reports int    // number of reports in segment
}

// decoding limits how many uploads are decoded at the same time, because decoded reports need more
// memory than the body. None of that memory is in use while an upload waits for its turn or for
// the inbox.
var decoding = make(chan struct{}, 2*runtime.GOMAXPROCS(0))

// seal decodes an upload, drops and counts the reports that are not stored, and seals the others.
// It frees the body.
func (b *browser) seal(s *settings, from netip.Addr, body *body, legacy bool, userAgent string) (sealedReports, error) {
	defer body.free()
	decoding <- struct{}{}
	defer func() { <-decoding }()
	kept, err := b.decode(s, body.bytes, legacy, userAgent)
	if err != nil {
		return sealedReports{}, httpx.NewError(http.StatusBadRequest, "body must be a JSON array of reports, or of "+typeLegacyCSP+" one: "+err.Error())
	}
	sealed, err := b.sealKept(s, from, kept)
	if err != nil {
		b.log.Error("browser reports could not be sealed", "error", err)
		b.drop(dropFailed, kept.len())
		return sealedReports{}, nil
	}
	return sealed, nil
}

// The reasons for which browser reports are not stored.
const (
	dropOverload    = "overload"    // counts uploads, because their bodies were not read
	dropUnavailable = "unavailable" // the inbox failed, or the collector is shutting down
	dropDisabled    = "disabled"    // the policy allows no collection, or there is none
	dropType        = "type"        // a type that is not stored
	dropInvalid     = "invalid"     // a report that violates its format
	dropOverflow    = "overflow"    // beyond maxReports in one upload
	dropFailed      = "failed"      // could not be sealed
)

// droppedFor returns the reason for an upload that was shed.
func droppedFor(s *shed) string {
	if s.reason == receipt.ReasonUnavailable {
		return dropUnavailable
	}
	return dropOverload
}

func (b *browser) drop(reason string, n int) {
	if n > 0 {
		b.metrics.dropped.WithLabelValues(reason).Add(float64(n))
	}
}

// sealKept seals an upload's reports, or drops and counts them.
func (b *browser) sealKept(s *settings, from netip.Addr, kept *keptReports) (sealedReports, error) {
	if kept.len() == 0 {
		return sealedReports{}, nil
	}
	now := time.Now()
	consent := s.consent(now)
	if consent == report.Off {
		b.drop(dropDisabled, kept.len())
		return sealedReports{}, nil
	}
	id, err := report.NewBatchID(now, rand.Reader)
	if err != nil {
		return sealedReports{}, err
	}
	header := kept.userAgent.header(consent, b.tokens.token(now, from, kept.userAgent.raw))
	pages, left := pageErrors(kept.pages, consent)
	segment, full, err := sealReports(s.sealKey, id, header, windows(kept.nel, s.policy.WindowMS), pages,
		samples(kept.nel, s.policy.SamplesPerWindow, consent))
	if err != nil {
		return sealedReports{}, err
	}
	b.drop(dropOverflow, left+full)
	return sealedReports{id, segment, kept.len() - left - full}, nil
}

// sealReports returns a segment with a header and the records. If there is no room for all, it
// leaves out samples, whose requests are counted anyway, and errors of pages. It returns the number
// of reports that the omitted errors stand for.
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
