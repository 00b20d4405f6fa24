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

// newOblivious returns the way through relays. The connections are like those to collectors, of the
// same limits.
func newOblivious(t *Transport) *oblivious.Client {
	return oblivious.New(t.sendToRelay, ohttp.MLKEM768X25519(), ohttp.X25519())
}

// sendToRelay makes a request that is like that of every other agent.
func (t *Transport) sendToRelay(ctx context.Context, c policy.Collector, r oblivious.Request) oblivious.Answer {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return oblivious.Answer{Response: agent.Response{Outcome: report.Unknown, Err: errCollectorURL}}
	}
	req.GetBody = nil // the gateway would take the same bytes for a replay
	if r.ContentType != "" {
		req.Header.Set("Content-Type", r.ContentType)
	}
	response, header := t.exchange(c, req, r.Limit)
	return oblivious.Answer{Response: response, Signed: header.Get(protocol.HeaderGatewayKeys)}
}
