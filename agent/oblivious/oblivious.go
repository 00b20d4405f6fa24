// Package oblivious lets any [agent.Transport] deliver through an Oblivious HTTP relay (RFC 9458).
// Start with [New]. The package makes and opens the messages, and a [Send] function of the
// transport sends them: agent/httpagent does so with net/http. A transport must use it for every
// collector with a Relay in the policy and never connect to such a collector itself, because the
// collector must not learn the client's address.
package oblivious

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/bhttp"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// Send makes one HTTP request to a collector's relay. The request must contain nothing that
// distinguishes clients, and must not follow redirects. The collector's Addresses and Pins are the
// relay's. Send is called concurrently.
type Send func(ctx context.Context, c policy.Collector, r Request) Answer

// Request is a request to a relay.
type Request struct {
	Method      string
	URL         string
	ContentType string // "": none
	Body        []byte
	Limit       int64 // maximum length of the answer, in bytes
}

// Answer is the answer to a [Request].
type Answer struct {
	agent.Response        // the relay's; ETag is not used
	Signed         string // its header protocol.HeaderGatewayKeys
}

// Client delivers through relays. It is safe for concurrent use.
type Client struct {
	send Send
	kems []ohttp.KEM
	keys keys
}

// New returns a [Client] that sends with send. It accepts keys of gateways for the given KEMs, in
// order of preference.
func New(send Send, kems ...ohttp.KEM) *Client { return &Client{send: send, kems: kems} }

var (
	errNoKey     = errors.New("policy has no usable key of the collector's gateway")
	errNotSealed = errors.New("relay's answer is not sealed by the collector")
	errMessage   = errors.New("collector's sealed answer is not a message")
	errSize      = errors.New("collector's answer is too large")
)

// Deliver is the Deliver of [agent.Transport] for a collector with a Relay.
func (c *Client) Deliver(ctx context.Context, to policy.Collector, id report.BatchID, delivery, segment []byte) agent.Response {
	return c.ask(ctx, to, upload(id, delivery, segment), receipt.MaxSize)
}

func upload(id report.BatchID, delivery, segment []byte) *bhttp.Request {
	return &bhttp.Request{Method: "POST", Path: protocol.PathBatches, Content: segment, Header: []bhttp.Field{
		{Name: "content-type", Value: protocol.MediaTypeSegment},
		{Name: "heliograph-batch", Value: id.String()},
		{Name: "heliograph-delivery", Value: protocol.EncodeDelivery(delivery)},
	}}
}

// Upload returns the request that [Client.Deliver] would send. It is for callers that cannot wait
// for the answer, such as a page that is being closed. The answer cannot be opened, so the segment
// must stay in the spool.
func (c *Client) Upload(to policy.Collector, id report.BatchID, delivery, segment []byte) (Request, error) {
	message, key, err := c.prepare(to, upload(id, delivery, segment))
	if err != nil {
		return Request{}, err
	}
	sealed, _, err := key.Encapsulate(message)
	return encapsulated(to, sealed), err
}

// FetchPolicy is the FetchPolicy of [agent.Transport] for a collector with a Relay.
func (c *Client) FetchPolicy(ctx context.Context, from policy.Collector, etag string) agent.Response {
	m := &bhttp.Request{Method: "GET", Path: protocol.PathPolicy}
	if etag != "" {
		m.Header = []bhttp.Field{{Name: "if-none-match", Value: etag}}
	}
	return c.ask(ctx, from, m, policy.MaxSize)
}

// ask sends a message. If the gateway no longer has the policy's key, ask sends it once more with
// another key.
func (c *Client) ask(ctx context.Context, to policy.Collector, m *bhttp.Request, limit int) agent.Response {
	b, key, err := c.prepare(to, m)
	if err != nil {
		return agent.Response{Outcome: report.Unknown, Err: err}
	}
	answer, stale := c.exchange(ctx, to, key, b, limit)
	if stale {
		if key := c.otherKey(ctx, to, key); key != nil {
			answer, _ = c.exchange(ctx, to, key, b, limit)
		}
	}
	return answer
}

// prepare encodes a message and returns the key to seal it to.
func (c *Client) prepare(to policy.Collector, m *bhttp.Request) ([]byte, *ohttp.KeyConfig, error) {
	m.Scheme, m.Authority = "https", to.ID // the id stays the same if the collector moves
	b, err := bhttp.AppendRequest(nil, m)
	if err != nil {
		return nil, nil, err
	}
	key, err := c.key(to)
	if err != nil {
		return nil, nil, errNoKey
	}
	return bhttp.Pad(b, 0, protocol.ObliviousPadding), key, nil
}

// encapsulated returns the request with a sealed message.
func encapsulated(to policy.Collector, sealed []byte) Request {
	return Request{Method: "POST", URL: to.Relay, ContentType: ohttp.MediaTypeRequest, Body: sealed, Limit: protocol.MaxObliviousResponse}
}

// exchange encapsulates a message and opens the answer. stale says that the gateway does not
// have the key.
func (c *Client) exchange(ctx context.Context, to policy.Collector, key *ohttp.KeyConfig, message []byte, limit int) (r agent.Response, stale bool) {
	sealed, x, err := key.Encapsulate(message)
	if err != nil {
		return agent.Response{Outcome: report.Unknown, Err: err}, false
	}
	outer := c.send(ctx, to, encapsulated(to, sealed))
	r = outer.Response
	r.Body, r.ETag = nil, ""
	const unprocessable = 422
	switch {
	case r.Err != nil:
		return r, false
	case r.Status >= 400: // from the relay, or from the gateway before it opened the request
		return r, r.Status == unprocessable
	case r.Status != 200:
		r.Outcome, r.Err = report.HTTPResponseInvalid, errNotSealed
		return r, false
	}
	plain, err := x.Open(outer.Body)
	if err != nil {
		r.Outcome, r.Err = report.HTTPResponseInvalid, errNotSealed
		return r, false
	}
	return inner(plain, limit), false
}

// inner returns the collector's answer in an opened message.
func inner(message []byte, limit int) agent.Response {
	m, err := bhttp.DecodeResponse(message)
	if err != nil {
		return agent.Response{Outcome: report.HTTPResponseInvalid, Err: errMessage}
	}
	r := agent.Response{Outcome: report.OK, Status: uint16(m.Status), Body: m.Content, ETag: bhttp.Get(m.Header, "etag")}
	if seconds, err := strconv.ParseUint(bhttp.Get(m.Header, "retry-after"), 10, 31); err == nil {
		r.RetryAfter = time.Duration(seconds) * time.Second
	}
	if m.Status >= 400 {
		r.Outcome = report.HTTPError
	}
	if len(r.Body) > limit {
		r.Outcome, r.Err, r.Body = report.HTTPResponseInvalid, errSize, nil
	}
	return r
}
