//go:build js && wasm

// Package fetchtransport implements agent.Transport with a browser's fetch. It works in workers and
// in pages. Scripts learn little about a failed request: only who ended it, and whether the browser
// knows that it is offline.
package fetchtransport

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"syscall/js"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/oblivious"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/wasm/internal/jsx"
)

// Limits of one exchange.
const (
	// Timeout is the time limit of an exchange, unless the context ends before. A worker that waits
	// for an answer keeps its page out of the back/forward cache.
	Timeout = 30 * time.Second

	// MaxKeepalive is the greatest size in bytes of a body that outlives the page. Browsers allow a
	// page 64 KiB for all such bodies together.
	MaxKeepalive = 48 << 10
)

// Transport is an agent.Transport that uses fetch. It sends no cookies and no referrer, follows no
// redirects, and does not use caches.
type Transport struct {
	// Hidden, if set, reports whether the page is hidden, so that it may end at any moment.
	Hidden func() bool

	once   sync.Once
	relays *oblivious.Client // the way to collectors behind relays; made by once
}

var _ agent.Transport = (*Transport)(nil)

// UploadURL returns the URL for uploading segments to c.
func UploadURL(c policy.Collector) string { return c.URL + protocol.PathBatches }

// UploadHeaders returns the headers, as names and values, of the request that delivers a segment.
func UploadHeaders(id report.BatchID, delivery []byte) [][2]string {
	return [][2]string{
		{"Content-Type", protocol.MediaTypeSegment},
		{"Accept", protocol.MediaTypeReceipt},
		{protocol.HeaderBatch, id.String()},
		{protocol.HeaderDelivery, protocol.EncodeDelivery(delivery)},
	}
}

// Deliver implements agent.Transport.
func (t *Transport) Deliver(ctx context.Context, c policy.Collector, id report.BatchID, delivery, segment []byte) agent.Response {
	if c.Relay != "" {
		return t.behindRelay().Deliver(ctx, c, id, delivery, segment)
	}
	init := options("POST", UploadHeaders(id, delivery))
	init["body"] = jsx.Array(segment)
	reach(init, c)
	if t.Hidden != nil && len(segment) <= MaxKeepalive {
		init["keepalive"] = t.Hidden()
	}
	return exchange(ctx, UploadURL(c), init, receipt.MaxSize)
}

// FetchPolicy implements agent.Transport.
func (t *Transport) FetchPolicy(ctx context.Context, c policy.Collector, etag string) agent.Response {
	if c.Relay != "" {
		return t.behindRelay().FetchPolicy(ctx, c, etag)
	}
	headers := [][2]string{{"Accept", protocol.MediaTypePolicy}}
	if etag != "" {
		headers = append(headers, [2]string{"If-None-Match", etag})
	}
	init := options("GET", headers)
	reach(init, c)
	return exchange(ctx, c.URL+protocol.PathPolicy, init, policy.MaxSize)
}

// Get fetches a file of at most limit bytes from the page's own server, or from the browser's cache
// if the file may be cached.
func Get(ctx context.Context, url string, limit int) (status uint16, body []byte, err error) {
	init := options("GET", nil)
	init["cache"] = "default"
	r := exchange(ctx, url, init, limit)
	return r.Status, r.Body, r.Err
}

// Close implements agent.Transport. The browser owns the connections.
func (t *Transport) Close() {}

// options returns the options of fetch (Fetch standard, section 5.4).
func options(method string, headers [][2]string) map[string]any {
	h := make(map[string]any, len(headers))
	for _, pair := range headers {
		h[pair[0]] = pair[1]
	}
	return map[string]any{
		"method": method, "headers": h, "mode": "cors", "credentials": "omit", "cache": "no-store",
		"redirect": "error", "referrerPolicy": "no-referrer",
	}
}

var errAnswerSize = errors.New("collector's answer is too large")

// exchange makes one request and reads at most limit bytes of its answer.
func exchange(ctx context.Context, url string, init map[string]any, limit int) agent.Response {
	r, _ := exchangeWith(ctx, url, init, limit, "")
	return r
}

// exchangeWith is like exchange and also returns one header of the answer.
func exchangeWith(ctx context.Context, url string, init map[string]any, limit int, name string) (agent.Response, string) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	controller := js.Global().Get("AbortController").New()
	defer controller.Call("abort") // this changes nothing after the answer was read
	init["signal"] = controller.Get("signal")
	promise, err := jsx.Try(func() js.Value { return js.Global().Call("fetch", url, init) })
	if err != nil {
		return failure(ctx, err), ""
	}
	answer, err := jsx.Await(ctx, promise)
	if err != nil {
		return failure(ctx, err), ""
	}
	r := agent.Response{
		Outcome:    report.OK,
		RetryAfter: retryAfter(header(answer, "Retry-After"), time.Now()),
		ETag:       header(answer, "ETag"),
	}
	status, _ := jsx.Integer(jsx.Field(answer, "status"), 0, report.MaxStatus)
	if r.Status = uint16(status); r.Status >= 400 {
		r.Outcome = report.HTTPError
	}
	body, err := readBody(ctx, jsx.Field(answer, "body"), limit)
	switch {
	case errors.Is(err, errAnswerSize):
		r.Outcome, r.Err = report.HTTPResponseInvalid, err
	case err != nil:
		f := failure(ctx, err)
		r.Outcome, r.Err = f.Outcome, f.Err
	default:
		r.Body = body
	}
	if name == "" {
		return r, ""
	}
	return r, header(answer, name)
}

// failure returns the Response for a request without an answer.
func failure(ctx context.Context, err error) agent.Response {
	r := agent.Response{Outcome: named(err), Err: err}
	switch online := jsx.Field(jsx.Field(js.Global(), "navigator"), "onLine"); {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		r.Outcome = report.NetworkTimedOut
	case ctx.Err() != nil:
		r.Outcome = report.Abandoned
	case online.Type() == js.TypeBoolean && !online.Bool():
		r.Outcome = report.NetworkOffline
	}
	return r
}

// readBody reads a stream. A null stream, which an answer without a body has, counts as empty.
func readBody(ctx context.Context, stream js.Value, limit int) ([]byte, error) {
	if !stream.Truthy() {
		return nil, nil
	}
	reader, err := jsx.Call(stream, "getReader")
	if err != nil {
		return nil, err
	}
	var body []byte
	for {
		promise, err := jsx.Call(reader, "read")
		if err != nil {
			return nil, err
		}
		part, err := jsx.Await(ctx, promise)
		if err != nil {
			return nil, err
		}
		if jsx.Field(part, "done").Truthy() {
			return body, nil
		}
		b, err := jsx.Bytes(jsx.Field(part, "value"), limit-len(body))
		if err != nil {
			return nil, errAnswerSize
		}
		body = append(body, b...)
	}
}

// maxHeader is the greatest length of a header that is read. The known headers are shorter.
const maxHeader = 256

// header reads a header that the collector exposes to pages (Access-Control-Expose-Headers).
func header(answer js.Value, name string) string {
	v, _ := jsx.Call(jsx.Field(answer, "headers"), "get", name)
	s, _ := jsx.Text(v, maxHeader)
	return s
}

// retryAfter parses a Retry-After header (RFC 9110, section 10.2.3): seconds, or a date, which the
// browser parses. It returns 0 if the header is missing or invalid.
func retryAfter(h string, now time.Time) time.Duration {
	if h == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(h, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	const farthest = 1 << 52
	at, _ := jsx.Integer(js.Global().Get("Date").Call("parse", h), 0, farthest)
	return max(time.UnixMilli(at).Sub(now), 0)
}
