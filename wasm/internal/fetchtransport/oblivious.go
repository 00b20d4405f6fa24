//go:build js && wasm

package fetchtransport

import (
	"context"

	"github.com/heliograph-net/heliograph/agent/oblivious"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/wasm/internal/jsx"
)

// behindRelay returns the client for collectors that are reached through Oblivious HTTP relays. It
// supports only one kind of key, because another one would need curves that nothing else here
// needs.
func (t *Transport) behindRelay() *oblivious.Client {
	t.once.Do(func() { t.relays = oblivious.New(t.sendToRelay, ohttp.MLKEM768X25519()) })
	return t.relays
}

// sendToRelay implements oblivious.Send.
func (t *Transport) sendToRelay(ctx context.Context, c policy.Collector, r oblivious.Request) oblivious.Answer {
	var headers [][2]string
	if r.ContentType != "" {
		headers = [][2]string{{"Content-Type", r.ContentType}}
	}
	init := options(r.Method, headers)
	reach(init, c)
	if len(r.Body) > 0 {
		init["body"] = jsx.Array(r.Body)
		if t.Hidden != nil && len(r.Body) <= MaxKeepalive {
			init["keepalive"] = t.Hidden()
		}
	}
	response, signed := exchangeWith(ctx, r.URL, init, int(r.Limit), protocol.HeaderGatewayKeys)
	return oblivious.Answer{Response: response, Signed: signed}
}

// Upload returns the request that delivers a segment to c or to its relay, for a page that sends it
// again when it ends.
func (t *Transport) Upload(c policy.Collector, id report.BatchID, delivery, segment []byte) (url string, headers [][2]string, body []byte, err error) {
	if c.Relay == "" {
		return UploadURL(c), UploadHeaders(id, delivery), segment, nil
	}
	r, err := t.behindRelay().Upload(c, id, delivery, segment)
	return r.URL, [][2]string{{"Content-Type", r.ContentType}}, r.Body, err
}
