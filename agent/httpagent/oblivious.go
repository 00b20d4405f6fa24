package httpagent

import (
	"bytes"
	"context"
	"net/http"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/oblivious"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// newOblivious returns the client for relays. Connections to relays have the same limits as those
// to collectors.
func newOblivious(t *Transport) *oblivious.Client {
	return oblivious.New(t.sendToRelay, ohttp.MLKEM768X25519(), ohttp.X25519())
}

// sendToRelay makes a request that looks the same for every agent.
func (t *Transport) sendToRelay(ctx context.Context, c policy.Collector, r oblivious.Request) oblivious.Answer {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return oblivious.Answer{Response: agent.Response{Outcome: report.Unknown, Err: errCollectorURL}}
	}
	req.GetBody = nil // no retries, because the gateway would take the same bytes for a replay
	if r.ContentType != "" {
		req.Header.Set("Content-Type", r.ContentType)
	}
	response, header := t.exchange(c, req, r.Limit)
	return oblivious.Answer{Response: response, Signed: header.Get(protocol.HeaderGatewayKeys)}
}
