package collector

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/privacy/bhttp"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// dispatch answers a request that was opened. There are two that it answers; there is nothing that
// it passes on.
func (c *Collector) dispatch(w *answerBuffer, s *settings, encoded []byte, n auth.Network) {
	m, err := bhttp.DecodeRequest(encoded)
	if err != nil {
		httpx.WriteText(w, http.StatusBadRequest, "request is not a binary HTTP message")
		return
	}
	r := &http.Request{Method: m.Method, URL: &url.URL{Path: m.Path}, Header: innerHeader(m.Header)}
	switch {
	case bhttp.Get(m.Header, "expect") != "":
		httpx.WriteText(w, http.StatusExpectationFailed, "expectations cannot be met in Oblivious HTTP")
	case !c.isMe(s, m.Authority):
		httpx.WriteText(w, http.StatusMisdirectedRequest, "this gateway answers for its own collector only, by its id")
	case m.Path == protocol.PathBatches && m.Method == http.MethodPost:
		if !httpx.HasType(r.Header, protocol.MediaTypeSegment) {
			httpx.WriteText(w, http.StatusUnsupportedMediaType, "want Content-Type "+protocol.MediaTypeSegment)
			return
		}
		c.takeOblivious(w, r, m.Content, n)
	case m.Path == protocol.PathPolicy && m.Method == http.MethodGet:
		if err := c.servePolicy(w, r); err != nil {
			httpx.WriteText(w, http.StatusNotFound, err.Error())
		}
	case m.Path == protocol.PathBatches, m.Path == protocol.PathPolicy:
		httpx.WriteText(w, http.StatusMethodNotAllowed, "method not allowed")
	default:
		httpx.WriteText(w, http.StatusNotFound, "no such path")
	}
}

// isMe reports whether an authority is this collector: its id, which stays whatever its address, or
// the host of its URL.
func (c *Collector) isMe(s *settings, authority string) bool {
	if authority == c.o.ID {
		return true
	}
	if s.policy != nil {
		for i := range s.policy.Collectors {
			own := &s.policy.Collectors[i]
			if own.ID == c.o.ID && (own.URL == "https://"+authority || own.URL == "http://"+authority) {
				return true
			}
		}
	}
	return false
}

// takeOblivious takes one sealed segment, as serveBatch does. What it answers is a receipt.
func (c *Collector) takeOblivious(w http.ResponseWriter, r *http.Request, segment []byte, n auth.Network) {
	id, idErr := batchHeader(r)
	said := receipt.Statement{Batch: id}
	if len(segment) > seal.MaxSegment {
		c.answerRefusal(w, refused(said, receipt.ReasonTooLarge))
		return
	}
	kept := c.keep(segment)
	if kept == nil {
		c.answerRefusal(w, slowDown(said, receipt.ReasonOverload, c.shed(shedMemory, 1).delay))
		return
	}
	said.Body = sha256.Sum256(segment)
	delivery, deliveryErr := deliveryHeader(r)
	info, reason := c.judge(segment)
	if reason == "" && (idErr != nil || id != (report.BatchID{}) && id != info.ID || deliveryErr != nil) {
		reason = receipt.ReasonBadDelivery
	}
	if said.Batch == (report.BatchID{}) {
		said.Batch = info.ID
	}
	if reason != "" {
		kept.free()
		c.answerRefusal(w, refused(said, reason))
		return
	}
	a := c.store(Entry{Body: said.Body, Envelope: report.Envelope{
		Batch: info.ID, Received: time.Now().UnixMilli(), Collector: c.o.ID, ASN: n.ASN, Country: n.Country, Delivery: delivery, Segment: kept.bytes,
	}}, kept)
	if a.receipt == nil && a.statement.Decision == receipt.SlowDown {
		c.answerRefusal(w, a.statement)
		return
	}
	c.answer(w, a.statement, a.receipt)
}

// keep copies what the inbox is to hold on to into a buffer that counts as used memory. It returns
// nil when too much is in use.
func (c *Collector) keep(segment []byte) *body {
	b := newBody(&c.memory)
	for b != nil && cap(b.bytes) < len(segment) {
		if !b.grow() {
			b.free()
			b = nil
		}
	}
	if b != nil {
		b.bytes = append(b.bytes, segment...)
	}
	return b
}

// innerFields are the fields of a request that mean anything here; nothing else of it is looked at.
var innerFields = map[string]string{
	"content-type": "Content-Type", "if-none-match": "If-None-Match",
	"heliograph-batch": protocol.HeaderBatch, "heliograph-delivery": protocol.HeaderDelivery,
}

func innerHeader(fields []bhttp.Field) http.Header {
	h := make(http.Header, len(innerFields))
	for _, f := range fields {
		if name := innerFields[f.Name]; name != "" {
			h.Add(name, f.Value)
		}
	}
	return h
}

// outerFields are the fields of an answer that mean anything to a client, in the order in which
// they are sent.
var outerFields = []bhttp.Field{{Name: "content-type", Value: "Content-Type"}, {Name: "etag", Value: "Etag"}, {Name: "retry-after", Value: "Retry-After"}}

// answerBuffer keeps an answer that is to be encapsulated. It implements http.ResponseWriter.
type answerBuffer struct {
	header http.Header
	status int
	body   []byte
}

func (a *answerBuffer) Header() http.Header { return a.header }

func (a *answerBuffer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answerBuffer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, b...)
	return len(b), nil
}

// message is the answer as a binary HTTP message.
func (a *answerBuffer) message() *bhttp.Response {
	a.WriteHeader(http.StatusOK)
	m := &bhttp.Response{Status: a.status, Content: a.body}
	for _, f := range outerFields {
		if v := a.header.Get(f.Value); v != "" {
			m.Header = append(m.Header, bhttp.Field{Name: f.Name, Value: v})
		}
	}
	return m
}
