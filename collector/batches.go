package collector

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// serveBatch takes one sealed segment. Its answer is a receipt, but for a wrong media type and for
// a body that did not arrive.
func (c *Collector) serveBatch(w http.ResponseWriter, r *http.Request) error {
	if r.Header["Origin"] != nil { // a page's
		allowOrigins(w)
	}
	if !httpx.HasType(r.Header, protocol.MediaTypeSegment) {
		httpx.LeaveBody(w, r)
		return httpx.NewError(http.StatusUnsupportedMediaType, "want Content-Type "+protocol.MediaTypeSegment)
	}
	id, idErr := batchHeader(r)
	said := receipt.Statement{Batch: id}
	if !c.gate.Enter() {
		httpx.LeaveBody(w, r)
		s := c.unavailable(said)
		c.answer(w, s, c.receipts([]receipt.Statement{s})[0])
		return nil
	}
	defer c.gate.Leave()
	now, from := time.Now(), c.settings.Load().client(r)
	network := c.networks.Network(now, from)
	if shed := c.admit(now, network); shed != nil {
		c.shedBatch(w, r, said, shed)
		return nil
	}
	defer c.leave(network)
	c.bodyDeadline(w, now)
	body, err := c.readBody(w, r, seal.MaxSegment)
	switch {
	case err == errMemory:
		c.shedBatch(w, r, said, c.shed(shedMemory, 1))
		return nil
	case err == httpx.ErrTooLarge:
		httpx.LeaveBody(w, r)
		c.answerRefusal(w, refused(said, receipt.ReasonTooLarge))
		return nil
	case err != nil:
		return err
	}
	c.metrics.received.batches.Add(float64(len(body.bytes)))
	c.networks.Charge(network, len(body.bytes))
	said.Body = sha256.Sum256(body.bytes)
	delivery, deliveryErr := deliveryHeader(r)
	info, reason := c.judge(body.bytes)
	switch {
	case reason != "":
	case idErr != nil, id != report.BatchID{} && id != info.ID, deliveryErr != nil:
		reason = receipt.ReasonBadDelivery
	}
	if said.Batch == (report.BatchID{}) {
		said.Batch = info.ID
	}
	if reason != "" {
		body.free()
		c.answerRefusal(w, refused(said, reason))
		return nil
	}
	a := c.store(Entry{Envelope: c.envelope(from, info.ID, delivery, body.bytes), Body: said.Body}, body)
	if a.receipt == nil && a.statement.Decision == receipt.SlowDown {
		c.answerRefusal(w, a.statement)
		return nil
	}
	c.answer(w, a.statement, a.receipt)
	return nil
}

// shedBatch answers without reading the body, or the rest of it.
func (c *Collector) shedBatch(w http.ResponseWriter, r *http.Request, said receipt.Statement, why *shed) {
	httpx.LeaveBody(w, r)
	c.answerRefusal(w, slowDown(said, receipt.ReasonOverload, why.delay))
}

// bodyDeadline leaves clients less time to send their bodies while more than half of all places are
// taken, so that a few thousand that send a byte now and then do not keep everyone else out.
func (c *Collector) bodyDeadline(w http.ResponseWriter, now time.Time) {
	if c.uploads.Scarce() {
		_ = http.NewResponseController(w).SetReadDeadline(now.Add(c.o.UploadTimeout / hurry))
	}
}

const hurry = 5

// envelope is what is kept of an upload. Of the client's address, only its network is.
func (c *Collector) envelope(from netip.Addr, id report.BatchID, d report.Delivery, segment []byte) report.Envelope {
	asn, country := c.settings.Load().network(from)
	return report.Envelope{
		Batch: id, Received: time.Now().UnixMilli(), Collector: c.o.ID, ASN: asn, Country: country, Delivery: d, Segment: segment,
	}
}

// judge checks a segment's framing and key, and returns a reason to refuse it or "". Nothing in it
// is decoded.
func (c *Collector) judge(segment []byte) (seal.SegmentInfo, string) {
	info, err := seal.ParseSegment(segment)
	switch {
	case err == nil && info.ID == report.BatchID{}:
		return info, receipt.ReasonMalformed
	case err == nil && !c.settings.Load().takes(info.Key):
		return info, receipt.ReasonUnknownKey
	case err == nil:
		return info, ""
	case errors.Is(err, privacy.ErrTooLarge):
		return info, receipt.ReasonTooLarge
	case errors.Is(err, privacy.ErrTruncated):
		return info, receipt.ReasonTruncated
	case errors.Is(err, privacy.ErrVersion):
		return info, receipt.ReasonVersion
	default:
		return info, receipt.ReasonMalformed
	}
}

// batchHeader is the batch id that the request names before its body, so that a receipt can name it
// when the body is not read. The zero id, without an error, when it names none.
func batchHeader(r *http.Request) (report.BatchID, error) {
	s := r.Header.Get(protocol.HeaderBatch)
	if s == "" {
		return report.BatchID{}, nil
	}
	return report.ParseBatchID(s)
}

// deliveryHeader decodes what the agent says of the delivery. Without the header the batch is as
// old as its arrival: something on the way may have taken the header off, and a report with a
// doubtful age is better than none.
func deliveryHeader(r *http.Request) (report.Delivery, error) {
	if r.Header.Get(protocol.HeaderDelivery) == "" {
		return report.Delivery{}, nil
	}
	return protocol.DecodeDelivery(r.Header.Get(protocol.HeaderDelivery))
}
