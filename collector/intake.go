package collector

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// claim is what the headers of an upload say about it. No receipt covers headers, and any
// intermediary may change them. Headers that cannot be parsed are ignored.
type claim struct {
	id       report.BatchID // zero: not given
	delivery report.Delivery
}

// claimOf parses the batch id and what the agent says about the delivery. The id is in the headers
// so that a receipt can name it even if the body is not read. If the delivery is missing, an
// intermediary may have removed the header. The batch then counts as just made, because a report of
// doubtful age is better than none.
func claimOf(h http.Header) (c claim) {
	if id, err := report.ParseBatchID(h.Get(protocol.HeaderBatch)); err == nil {
		c.id = id
	}
	if d, err := protocol.DecodeDelivery(h.Get(protocol.HeaderDelivery)); err == nil {
		c.delivery = d
	}
	return c
}

// unread returns the answer to an upload whose body was not read. It returns err itself if a
// receipt cannot express it.
func (c *claim) unread(err error) (answer, error) {
	if s, ok := errors.AsType[*shed](err); ok {
		return c.later(s), nil
	}
	if err == httpx.ErrTooLarge {
		return c.tooLarge(), nil
	}
	return answer{}, err
}

func (c *claim) later(why *shed) answer {
	return answer{statement: slowDown(receipt.Statement{Batch: c.id}, why)}
}

func (c *claim) tooLarge() answer {
	return answer{statement: refused(receipt.Statement{Batch: c.id}, receipt.ReasonTooLarge)}
}

// origin is what is stored about where an upload came from.
type origin struct {
	asn     uint32
	country string
	bucket  report.Bucket
}

// intake checks segments and stores the valid ones.
type intake struct {
	id        string // the collector's id
	committer *committer
}

// accept checks a segment and stores it. It takes ownership of the body. If the segment can be
// parsed, the receipt is for the id in it.
func (i *intake) accept(s *settings, c claim, from origin, b *body) answer {
	said := receipt.Statement{Batch: c.id, Body: sha256.Sum256(b.bytes)}
	info, reason := judge(b.bytes)
	if reason == "" || said.Batch == (report.BatchID{}) {
		said.Batch = info.ID
	}
	switch {
	case reason != "":
		b.free()
		return answer{statement: refused(said, reason)}
	case !s.takes(info.Key):
		b.free()
		return answer{statement: declined(said, receipt.ReasonUnknownKey)}
	}
	e := Entry{Body: said.Body, Envelope: report.Envelope{
		Batch: info.ID, Received: time.Now().UnixMilli(), Collector: i.id, ASN: from.asn, Country: from.country,
		Delivery: c.delivery, Segment: b.bytes, Bucket: from.bucket,
	}}
	return i.committer.store(e, b, &s.ReceiptKey)
}

// judge checks a segment's framing. It returns the reason to refuse it, or "". It decodes
// no records.
func judge(segment []byte) (seal.SegmentInfo, string) {
	info, err := seal.ParseSegment(segment)
	switch {
	case err == nil && info.ID == report.BatchID{}:
		return info, receipt.ReasonMalformed
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
