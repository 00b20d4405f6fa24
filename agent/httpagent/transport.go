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

// TransportOptions are the options of a [Transport]. The zero value is right for applications.
type TransportOptions struct {
	RootCAs   *x509.CertPool // trusted authorities for collectors' certificates; nil: the system's
	LocalAddr netip.Addr     // source address of connections; zero: the system chooses
	Resolver  *net.Resolver  // resolves collectors' names; nil: net.DefaultResolver
}

// Transport is an [agent.Transport] over net/http. It is safe for concurrent use.
type Transport struct {
	o TransportOptions

	mu      sync.Mutex
	clients map[string]*http.Client // by the parameters that differ between collectors

	oblivious *oblivious.Client // delivers to collectors behind relays
}

var _ agent.Transport = (*Transport)(nil)

// NewTransport returns a [Transport] with its own HTTP clients. They use no proxy, no cookies and
// no redirects, and limit every wait and every response. If a collector's name does not resolve or
// none of its addresses answers, they dial the addresses in the policy. A collector with pins must
// have one of them in its valid certificate chain. A collector with a relay is reached only through
// the relay.
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

// userAgent is the same for every agent, so that it reveals nothing about the client.
const userAgent = "heliograph/1"

// do makes one exchange. limit is the maximum length of the response, in bytes.
func (t *Transport) do(c policy.Collector, req *http.Request, limit int64) agent.Response {
	r, _ := t.exchange(c, req, limit)
	return r
}

// exchange is like do, but also returns the response's header, or nil if there was no response.
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

// retryAfter parses a Retry-After header (RFC 9110, section 10.2.3), which has seconds or a date.
// It returns 0 if the header is missing or invalid.
func retryAfter(h string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(h, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(h); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
