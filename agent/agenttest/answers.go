package agenttest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// Transport returns a Transport that delivers to the collectors by function calls. All agents
// may share it.
func (o *Operator) Transport() agent.Transport { return transport{o} }

type transport struct{ o *Operator }

var errUnreachable = errors.New("agenttest: collector is unreachable")

// Deliver implements agent.Transport.
func (t transport) Deliver(ctx context.Context, c policy.Collector, id report.BatchID, delivery, segment []byte) agent.Response {
	if ctx.Err() != nil {
		return agent.Response{Outcome: report.Abandoned, Err: ctx.Err()}
	}
	body, err := t.o.upload(c.ID, id, delivery, segment)
	if err != nil {
		return agent.Response{Outcome: report.TCPRefused, Err: err}
	}
	return agent.Response{Outcome: report.OK, Status: http.StatusAccepted, Body: body}
}

// FetchPolicy implements agent.Transport.
func (t transport) FetchPolicy(ctx context.Context, c policy.Collector, etag string) agent.Response {
	if ctx.Err() != nil {
		return agent.Response{Outcome: report.Abandoned, Err: ctx.Err()}
	}
	body, tag, err := t.o.policyAnswer(c.ID)
	switch {
	case err != nil:
		return agent.Response{Outcome: report.TCPRefused, Err: err}
	case tag == etag:
		return agent.Response{Outcome: report.OK, Status: http.StatusNotModified, ETag: tag}
	default:
		return agent.Response{Outcome: report.OK, Status: http.StatusOK, Body: body, ETag: tag}
	}
}

// Close implements [agent.Transport].
func (transport) Close() {}

// upload handles one upload to a collector and returns the body of the answer.
func (o *Operator) upload(collector string, id report.BatchID, delivery, segment []byte) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.collectors[collector]
	if c == nil {
		return nil, errUnreachable // a collector of another operator's policy
	}
	d, err := report.DecodeDelivery(delivery)
	if err != nil {
		o.faults = append(o.faults, errors.New("delivery of batch "+id.String()+": "+err.Error()))
	}
	o.uploads = append(o.uploads, Upload{At: time.Now(), Collector: collector, ID: id, Delivery: d, Bytes: len(segment)})
	st := c.answer.statement
	st.Batch, st.Body = id, sha256.Sum256(segment)
	if st.Decision == 0 {
		st.Decision = receipt.Stored
	}
	if stored := st.Decision == receipt.Stored && c.answer.body == nil && !c.answer.silent; stored || c.answer.keep {
		switch body, known := o.taken[id]; {
		case !known:
			o.taken[id] = st.Body
			o.take(id, segment)
		case body == st.Body:
			st.Reason = receipt.ReasonDuplicate
		default:
			o.faults = append(o.faults, errors.New("batch "+id.String()+" came with two bodies"))
			st.Decision, st.Reason = receipt.SlowDown, receipt.ReasonIDConflict
		}
	}
	if c.answer.silent {
		return nil, errUnreachable
	}
	if c.answer.body != nil {
		return c.answer.body, nil
	}
	receipts, err := receipt.Sign(c.receipt, []receipt.Statement{st})
	if err != nil {
		return nil, err
	}
	return receipts[0], nil
}

func (o *Operator) policyAnswer(collector string) (body []byte, etag string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	body = o.signed
	switch c := o.collectors[collector]; {
	case c == nil, c.answer.silent:
		return nil, "", errUnreachable
	case c.answer.body != nil:
		body = c.answer.body
	}
	sum := sha256.Sum256(body)
	return body, `"` + hex.EncodeToString(sum[:8]) + `"`, nil
}

// Listen also starts the collectors as HTTP servers on loopback, puts their URLs into the policy,
// and returns the URL of the first. Agents that start with this policy and an httpagent.Transport
// deliver by HTTP. Close stops the servers.
func (o *Operator) Listen() (url string, err error) {
	o.hangUp()
	urls := make(map[string]string)
	o.mu.Lock()
	for id, c := range o.collectors {
		c.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { o.serve(id, w, r) }))
		urls[id] = c.server.URL
	}
	o.mu.Unlock()
	err = o.ChangePolicy(func(p *policy.Policy) {
		for i := range p.Collectors {
			p.Collectors[i].URL = urls[p.Collectors[i].ID]
		}
	})
	return urls[firstCollector], err
}

// hangUp stops the servers that Listen started.
func (o *Operator) hangUp() {
	var servers []*httptest.Server
	o.mu.Lock()
	for _, c := range o.collectors {
		if c.server != nil {
			servers = append(servers, c.server)
			c.server = nil
		}
	}
	o.mu.Unlock()
	for _, s := range servers { // without mu, which they need for their answers
		s.Close()
	}
}

// serve is the HTTP handler of a collector.
func (o *Operator) serve(collector string, w http.ResponseWriter, r *http.Request) {
	var body []byte
	var err error
	status := http.StatusOK
	switch r.Method + " " + r.URL.Path {
	case "POST /v1/batches":
		body, err = o.serveUpload(collector, w, r)
		status = http.StatusAccepted
		w.Header().Set("Content-Type", protocol.MediaTypeReceipt)
	case "GET /v1/policy":
		var etag string
		if body, etag, err = o.policyAnswer(collector); etag != "" && r.Header.Get("If-None-Match") == etag {
			status, body = http.StatusNotModified, nil
		}
		w.Header().Set("ETag", etag)
		w.Header().Set("Content-Type", protocol.MediaTypePolicy)
	default:
		status = http.StatusNotFound
	}
	if err != nil {
		// net/http closes the connection
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (o *Operator) serveUpload(collector string, w http.ResponseWriter, r *http.Request) ([]byte, error) {
	segment, err := io.ReadAll(http.MaxBytesReader(w, r.Body, report.MaxSegment))
	if err != nil {
		return nil, err
	}
	id, err := report.ParseBatchID(r.Header.Get(protocol.HeaderBatch))
	if err != nil {
		return nil, err
	}
	delivery, err := base64.RawURLEncoding.DecodeString(r.Header.Get(protocol.HeaderDelivery))
	if err != nil {
		return nil, err
	}
	return o.upload(collector, id, delivery, segment)
}
