package collector

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/report"
)

var deliveryEncoding = base64.RawURLEncoding.Strict()

// serveBatch takes one sealed segment. Its answer is a receipt, but for a wrong media type and for a body that did not arrive.
func (c *Collector) serveBatch(w http.ResponseWriter, r *http.Request) error {
	allowOrigins(w)
	if !hasType(r, privacy.MediaTypeSegment) {
		leaveBody(w, r)
		return &httpError{http.StatusUnsupportedMediaType, "want Content-Type " + privacy.MediaTypeSegment}
	}
	id, idErr := batchHeader(r)
	said := privacy.Statement{Batch: id}
	if !c.gate.enter() {
		leaveBody(w, r)
		s := c.slowDown(said, privacy.ReasonUnavailable)
		c.answer(w, s, c.receipts([]privacy.Statement{s})[0])
		return nil
	}
	defer c.gate.leave()
	if !c.uploads.enter() {
		leaveBody(w, r)
		c.answerRefusal(w, c.slowDown(said, privacy.ReasonOverload))
		return nil
	}
	defer c.uploads.leave()

	body, err := readBody(w, r, privacy.MaxSegment)
	if err == errTooLarge {
		leaveBody(w, r)
		c.answerRefusal(w, refused(said, privacy.ReasonTooLarge))
		return nil
	} else if err != nil {
		return err
	}
	c.metrics.received.WithLabelValues("batches").Add(float64(len(*body)))
	said.Body = sha256.Sum256(*body)
	delivery, deliveryErr := deliveryHeader(r)
	info, reason := c.judge(*body)
	switch {
	case reason != "":
	case idErr != nil, id != report.BatchID{} && id != info.ID, deliveryErr != nil:
		reason = privacy.ReasonBadDelivery
	}
	if said.Batch == (report.BatchID{}) {
		said.Batch = info.ID
	}
	if reason != "" {
		putBuffer(body)
		c.answerRefusal(w, refused(said, reason))
		return nil
	}
	c.keep(w, r, info.ID, said.Body, delivery, body)
	return nil
}

// keep makes a good batch durable and answers. It owns body.
func (c *Collector) keep(w http.ResponseWriter, r *http.Request, id report.BatchID, sum [32]byte, d report.Delivery, body *[]byte) {
	u := &upload{entry: Entry{Envelope: c.envelope(r, id, d, *body), Body: sum}, receipt: true}
	a, kept := c.store(u)
	if !kept {
		putBuffer(body)
	}
	if a.receipt == nil && a.statement.Verdict == privacy.SlowDown {
		c.answerRefusal(w, a.statement)
		return
	}
	c.answer(w, a.statement, a.receipt)
}

// envelope is what is kept of an upload. Of the peer's address, only its network is.
func (c *Collector) envelope(r *http.Request, id report.BatchID, d report.Delivery, segment []byte) report.Envelope {
	asn, country := c.settings.Load().network(peerAddr(r))
	return report.Envelope{
		Batch: id, Received: time.Now().UnixMilli(), Collector: c.o.ID, ASN: asn, Country: country, Delivery: d, Segment: segment,
	}
}

// judge checks a segment's framing and key, and returns a reason to refuse it or "". Nothing in it is decoded.
func (c *Collector) judge(segment []byte) (privacy.SegmentInfo, string) {
	info, err := privacy.ParseSegment(segment)
	switch {
	case err == nil && info.ID == report.BatchID{}:
		return info, privacy.ReasonMalformed
	case err == nil && !c.settings.Load().takes(info.Key):
		return info, privacy.ReasonUnknownKey
	case err == nil:
		return info, ""
	case errors.Is(err, privacy.ErrTooLarge):
		return info, privacy.ReasonTooLarge
	case errors.Is(err, privacy.ErrTruncated):
		return info, privacy.ReasonTruncated
	case errors.Is(err, privacy.ErrVersion):
		return info, privacy.ReasonVersion
	default:
		return info, privacy.ReasonMalformed
	}
}

// batchHeader is the batch id that the request names before its body, so that a receipt can name it when the body is not read. The zero
// id, without an error, when it names none.
func batchHeader(r *http.Request) (report.BatchID, error) {
	s := r.Header.Get(privacy.HeaderBatch)
	if s == "" {
		return report.BatchID{}, nil
	}
	return report.ParseBatchID(s)
}

// deliveryHeader decodes what the agent says of the delivery. Without the header the batch is as old as its arrival: something on the way may
// have taken the header off, and a report with a doubtful age is better than none.
func deliveryHeader(r *http.Request) (report.Delivery, error) {
	if r.Header.Get(privacy.HeaderDelivery) == "" {
		return report.Delivery{}, nil
	}
	b, err := deliveryEncoding.DecodeString(r.Header.Get(privacy.HeaderDelivery))
	if err != nil {
		return report.Delivery{}, err
	}
	return report.DecodeDelivery(b)
}
