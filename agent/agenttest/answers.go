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
	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/report"
)

// answer is how the collector treats uploads; the zero value takes them.
type answer struct {
	silent    bool              // no connection comes about
	keep      bool              // what is not answered with Stored is kept all the same
	body      []byte            // instead of a receipt
	statement privacy.Statement // Verdict 0: Stored
}

// Accept takes uploads again, as it was at first.
func (o *Operator) Accept() { o.set(answer{}) }

// Unreachable is an outage of the collector: connections are refused, policies are not to be had.
func (o *Operator) Unreachable() { o.set(answer{silent: true}) }

// LoseReceipts takes uploads, but the answers do not get through: agents deliver the same again.
func (o *Operator) LoseReceipts() { o.set(answer{silent: true, keep: true}) }

// CaptivePortal answers everything with status 200 and a page, as a hotel's network does.
func (o *Operator) CaptivePortal() {
	o.set(answer{body: []byte("<html>Welcome! Please sign in.</html>")})
}

// Refuse refuses uploads for good, in a signed answer: agents drop them and tell so. reason is one of privacy's Reason constants.
func (o *Operator) Refuse(reason string) {
	o.set(answer{statement: privacy.Statement{Verdict: privacy.Refused, Reason: reason}})
}

// SlowDown asks agents, in a signed answer, to come again after a time.
func (o *Operator) SlowDown(wait time.Duration) {
	o.set(answer{statement: privacy.Statement{
		Verdict: privacy.SlowDown, Reason: privacy.ReasonOverload, DelayMS: uint64(max(wait.Milliseconds(), 0)),
	}})
}

func (o *Operator) set(a answer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = a
}

// Transport returns the way to the collector that is a function call. Every agent may have the same.
func (o *Operator) Transport() agent.Transport { return transport{o} }

type transport struct{ o *Operator }

var errUnreachable = errors.New("agenttest: collector is unreachable")

// Deliver implements agent.Transport.
func (t transport) Deliver(ctx context.Context, _ privacy.Collector, id report.BatchID, delivery, segment []byte) agent.Response {
	if ctx.Err() != nil {
		return agent.Response{Outcome: report.Abandoned, Err: ctx.Err()}
	}
	body, err := t.o.upload(id, delivery, segment)
	if err != nil {
		return agent.Response{Outcome: report.TCPRefused, Err: err}
	}
	return agent.Response{Outcome: report.OK, Status: http.StatusAccepted, Body: body}
}

// FetchPolicy implements agent.Transport.
func (t transport) FetchPolicy(ctx context.Context, _ privacy.Collector, etag string) agent.Response {
	if ctx.Err() != nil {
		return agent.Response{Outcome: report.Abandoned, Err: ctx.Err()}
	}
	body, tag, err := t.o.policyAnswer()
	switch {
	case err != nil:
		return agent.Response{Outcome: report.TCPRefused, Err: err}
	case tag == etag:
		return agent.Response{Outcome: report.OK, Status: http.StatusNotModified, ETag: tag}
	default:
		return agent.Response{Outcome: report.OK, Status: http.StatusOK, Body: body, ETag: tag}
	}
}

// Close implements agent.Transport.
func (transport) Close() {}

// upload takes one upload and returns the body of the answer.
func (o *Operator) upload(id report.BatchID, delivery, segment []byte) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d, err := report.DecodeDelivery(delivery)
	if err != nil {
		o.faults = append(o.faults, errors.New("delivery of batch "+id.String()+": "+err.Error()))
	}
	o.uploads = append(o.uploads, Upload{At: time.Now(), ID: id, Delivery: d, Bytes: len(segment)})
	st := o.answer.statement
	st.Batch, st.Body = id, sha256.Sum256(segment)
	if st.Verdict == 0 {
		st.Verdict = privacy.Stored
	}
	if stored := st.Verdict == privacy.Stored && o.answer.body == nil && !o.answer.silent; stored || o.answer.keep {
		switch body, known := o.taken[id]; {
		case !known:
			o.taken[id] = st.Body
			o.take(id, segment)
		case body == st.Body:
			st.Reason = privacy.ReasonDuplicate
		default:
			o.faults = append(o.faults, errors.New("batch "+id.String()+" came with two bodies"))
			st.Verdict, st.Reason = privacy.Refused, privacy.ReasonIDConflict
		}
	}
	if o.answer.silent {
		return nil, errUnreachable
	}
	if o.answer.body != nil {
		return o.answer.body, nil
	}
	receipts, err := privacy.SignReceipts(o.receipt, []privacy.Statement{st})
	if err != nil {
		return nil, err
	}
	return receipts[0], nil
}

func (o *Operator) policyAnswer() (body []byte, etag string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	body = o.signed
	switch {
	case o.answer.silent:
		return nil, "", errUnreachable
	case o.answer.body != nil:
		body = o.answer.body
	}
	sum := sha256.Sum256(body)
	return body, `"` + hex.EncodeToString(sum[:8]) + `"`, nil
}

// Listen starts the collector on loopback as well, has the policy name its URL, and returns that. Agents that start with this policy
// and an httpagent.Transport go the whole way. Close ends it.
func (o *Operator) Listen() (url string, err error) {
	server := httptest.NewServer(http.HandlerFunc(o.serve))
	o.mu.Lock()
	old := o.server
	o.server = server
	o.mu.Unlock()
	if old != nil {
		old.Close()
	}
	err = o.ChangePolicy(func(p *privacy.Policy) { p.Collectors[0].URL = server.URL })
	return server.URL, err
}

// serve speaks the collector's HTTP.
func (o *Operator) serve(w http.ResponseWriter, r *http.Request) {
	var body []byte
	var err error
	status := http.StatusOK
	switch r.Method + " " + r.URL.Path {
	case "POST /v1/batches":
		body, err = o.serveUpload(w, r)
		status = http.StatusAccepted
		w.Header().Set("Content-Type", privacy.MediaTypeReceipt)
	case "GET /v1/policy":
		var etag string
		if body, etag, err = o.policyAnswer(); etag != "" && r.Header.Get("If-None-Match") == etag {
			status, body = http.StatusNotModified, nil
		}
		w.Header().Set("ETag", etag)
		w.Header().Set("Content-Type", privacy.MediaTypePolicy)
	default:
		status = http.StatusNotFound
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the connection breaks off, which is what net/http takes this for
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (o *Operator) serveUpload(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	segment, err := io.ReadAll(http.MaxBytesReader(w, r.Body, report.MaxSegment))
	if err != nil {
		return nil, err
	}
	id, err := report.ParseBatchID(r.Header.Get(privacy.HeaderBatch))
	if err != nil {
		return nil, err
	}
	delivery, err := base64.RawURLEncoding.DecodeString(r.Header.Get(privacy.HeaderDelivery))
	if err != nil {
		return nil, err
	}
	return o.upload(id, delivery, segment)
}
