package httpagent

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/oblivious"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// TransportOptions configure the way to the collectors. The zero value is right for applications.
type TransportOptions struct {
	RootCAs   *x509.CertPool // authorities that may vouch for collectors; nil: the system's
	LocalAddr netip.Addr     // source address of connections; zero: the system chooses
	Resolver  *net.Resolver  // resolves collectors' names; nil: net.DefaultResolver
}

// Transport delivers segments to collectors over HTTP. It is safe for concurrent use.
type Transport struct {
	o TransportOptions

	mu      sync.Mutex
	clients map[string]*http.Client // by what is particular to a collector

	oblivious *oblivious.Client // the way to collectors behind relays
}

var _ agent.Transport = (*Transport)(nil)

// NewTransport returns the way to the collectors. It has http.Clients of its own: no proxy, no
// cookies, no redirects, a limit on every wait and on every answer. A collector whose name does not
// resolve, or leads nowhere, is dialled at its policy's addresses. One with pins must show one of
// them in addition to a valid certificate. A collector with a relay is reached through it and in no
// other way.
func NewTransport(o TransportOptions) *Transport {
	t := &Transport{o: o, clients: make(map[string]*http.Client)}
	t.oblivious = newOblivious(t)
	return t
}

// Deliver implements [agent.Transport].
func (t *Transport) Deliver(ctx context.Context, c policy.Collector, id report.BatchID, delivery, segment []byte) agent.Response {
	if c.Relay != "" {
		return t.oblivious.Deliver(ctx, c, id, delivery, segment)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+protocol.PathBatches, bytes.NewReader(segment))
	if err != nil {
		return agent.Response{Outcome: report.Unknown, Err: errCollectorURL}
	}
	req.Header.Set("Content-Type", protocol.MediaTypeSegment)
	req.Header.Set("Accept", protocol.MediaTypeReceipt)
	req.Header.Set(protocol.HeaderBatch, id.String())
	req.Header.Set(protocol.HeaderDelivery, protocol.EncodeDelivery(delivery))
	return t.do(c, req, receipt.MaxSize)
}

// FetchPolicy implements [agent.Transport].
func (t *Transport) FetchPolicy(ctx context.Context, c policy.Collector, etag string) agent.Response {
	if c.Relay != "" {
		return t.oblivious.FetchPolicy(ctx, c, etag)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+protocol.PathPolicy, nil)
	if err != nil {
		return agent.Response{Outcome: report.Unknown, Err: errCollectorURL}
	}
	req.Header.Set("Accept", protocol.MediaTypePolicy)
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	return t.do(c, req, policy.MaxSize)
}

// Close implements [agent.Transport].
func (t *Transport) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, client := range t.clients {
		client.CloseIdleConnections()
	}
}

var (
	errCollectorURL = errors.New("collector's URL is not valid")
	errAnswerSize   = errors.New("collector's answer is too large")
)

// userAgent is the same for every agent: it tells nothing about the client.
const userAgent = "heliograph/1"

// do makes one exchange. limit is how many bytes of answer are taken.
func (t *Transport) do(c policy.Collector, req *http.Request, limit int64) agent.Response {
	r, _ := t.exchange(c, req, limit)
	return r
}

// exchange is do, with the header of the answer; nil when there was none.
func (t *Transport) exchange(c policy.Collector, req *http.Request, limit int64) (agent.Response, http.Header) {
	req.Header.Set("User-Agent", userAgent)
	resp, err := t.client(c).Do(req)
	if err != nil {
		return agent.Response{Outcome: Classify(req.Context(), err), Err: err}, nil
	}
	defer resp.Body.Close()
	r := agent.Response{
		Outcome:    report.OK,
		Status:     uint16(min(max(resp.StatusCode, 0), report.MaxStatus)),
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now()),
		ETag:       resp.Header.Get("ETag"),
	}
	if resp.StatusCode >= 400 {
		r.Outcome = report.HTTPError
	}
	r.Body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		var h head
		h.read(resp)
		r.Outcome, r.Err = classifyBody(req.Context(), err, &h), err
	case int64(len(r.Body)) > limit:
		r.Outcome, r.Err, r.Body = report.HTTPResponseInvalid, errAnswerSize, nil
	}
	return r, resp.Header
}

// retryAfter reads a Retry-After header (RFC 9110, section 10.2.3): seconds or a date. 0 for none,
// and for what cannot be read.
func retryAfter(h string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(h, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(h); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
