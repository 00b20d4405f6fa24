package httpagent

import (
	"context"
	"net/http"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// Wrap returns an [http.RoundTripper] that makes requests with base and observes each of them once:
// when the response's body has ended, failed or been closed, or when there was no response. A
// response with a status of 400 or above is observed at once. Requests, responses, the bytes of
// bodies and errors pass unchanged. If a is nil or records nothing, requests go directly to base. A
// nil base means [http.DefaultTransport]. If requests are wrapped twice for the same agent, they
// are counted once.
//
// What is counted as a request's duration is the time until RoundTrip returns a response, or until
// the failure, which may be the response body's.
//
// If a request fails because its own body cannot be read, its outcome is [report.Abandoned],
// because that is not the server's fault. A redirect after which [http.Client] may give up counts
// as [report.HTTPRedirectLoop] if no request follows it before the window ends.
//
// When a request fails, and now and then when one is sent, Wrap checks the addresses of the
// machine's network interfaces. It records only whether they have changed
// ([agent.Agent.NetworkChanged]).
func Wrap(a *agent.Agent, base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	if inner, ok := base.(*roundTripper); ok && inner.agent == a {
		return inner
	}
	_, direct := base.(*http.Transport)
	return &roundTripper{agent: a, base: base, direct: direct, made: time.Now(), network: newNetwork()}
}

type roundTripper struct {
	agent   *agent.Agent
	base    http.RoundTripper
	direct  bool      // base is an http.Transport, so it is known when it calls hooks
	made    time.Time // the origin of the times in exchanges and hosts
	hosts   hosts
	network *network

	redirections redirections
}

// RoundTrip implements http.RoundTripper.
func (rt *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	if !rt.agent.Recording() || req.URL == nil {
		return rt.base.RoundTrip(req)
	}
	if req.Response != nil {
		rt.follows(req)
	}
	x := exchanges.Get().(*exchange)
	x.rt, x.start = rt, time.Since(rt.made) // half the cost of time.Now
	x.asked.read(req)
	x.host = rt.hosts.of(req.URL)
	x.seen.Scheme, x.seen.Host, x.seen.Method = x.host.key.scheme, x.host.key.name, req.Method
	x.seen.Flags = readNote(x.asked.ctx, rt.agent)
	sent := x.prepare(req)
	resp, err := rt.base.RoundTrip(sent)
	switch {
	case err != nil:
		x.failed(err)
	case resp != nil:
		if resp.Request == sent {
			resp.Request = req
		}
		x.answered(req, resp)
	}
	return resp, err
}

// prepare returns the request that is sent instead of req. It has hooks unless its host is calm,
// and its body is watched if that can fail.
func (x *exchange) prepare(req *http.Request) (sent *http.Request) {
	sent = req
	if !x.host.calm(x.start) {
		x.rt.watchNetwork()
		x.trace = newTrace(req, x.seen.Flags, x.rt)
		sent = &x.trace.watched
	}
	if !canFail(req.Body) {
		return sent
	}
	if x.trace != nil {
		x.source = new(source)
	} else {
		u := &upload{request: *req}
		sent, x.source = &u.request, &u.source
	}
	x.source.watch(sent)
	return sent
}

// Unwrap returns the wrapped RoundTripper.
func (rt *roundTripper) Unwrap() http.RoundTripper { return rt.base }

// CloseIdleConnections closes the idle connections of base.
// [http.Client.CloseIdleConnections] calls it.
func (rt *roundTripper) CloseIdleConnections() {
	if c, ok := rt.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// statusOutcome returns the outcome of a response that arrives completely.
func statusOutcome(resp *http.Response) report.Outcome {
	if resp.StatusCode >= 400 {
		return report.HTTPError
	}
	return report.OK
}

// Retry returns a context that marks requests as repetitions of a failed request
// ([report.FlagRetry]), so that an application's retries do not make an outage look larger
// than it is.
func Retry(ctx context.Context) context.Context {
	n := noteIn(ctx)
	n.flags |= report.FlagRetry
	return context.WithValue(ctx, noteKey{}, &n)
}
