package httpagent

import (
	"context"
	"net/http"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// Wrap returns base with a watching: every request that goes through it is observed once, when its
// answer's body has ended, failed or been closed, or when it got no answer. An answer with a status
// of 400 or above is observed at once. Requests, answers, bodies' bytes and errors pass unchanged.
// While a records nothing, and when it is nil, requests pass without any detour. A nil base is
// [http.DefaultTransport]. Wrapping twice for one agent counts once.
//
// What fails because the request's own body cannot be read is [report.Abandoned]: that is not the
// server's doing. A redirect that would make [http.Client] give up counts as
// [report.HTTPRedirectLoop] when no request follows it before the window ends.
//
// When a request fails, and now and then when one goes out, it looks at the addresses of the
// machine's network interfaces. That they have changed is all that is noted of them
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
	direct  bool      // base is an http.Transport, of which it is known when it calls hooks
	made    time.Time // what times of exchanges and hosts count from
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
	x.rt, x.start = rt, time.Since(rt.made) // half the price of time.Now
	x.asked.read(req)
	tellOuter(x.asked.ctx, rt.agent)
	x.host = rt.hosts.of(req.URL)
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

// prepare returns the request that goes on instead of req: with hooks unless its host is calm, and
// with its body watched if that can fail.
func (x *exchange) prepare(req *http.Request) (sent *http.Request) {
	sent = req
	if !x.host.calm(x.start) {
		x.rt.watchNetwork()
		x.trace = newTrace(req, x.rt)
		sent = &x.trace.watched
	}
	if !canFail(req.Body) {
		return sent
	}
	if x.trace != nil {
		x.source = &x.trace.source
	} else {
		u := &upload{request: *req}
		sent, x.source = &u.request, &u.source
	}
	x.source.watch(sent)
	return sent
}

// Unwrap returns the RoundTripper underneath.
func (rt *roundTripper) Unwrap() http.RoundTripper { return rt.base }

// CloseIdleConnections does what http.Client.CloseIdleConnections expects of a Transport.
func (rt *roundTripper) CloseIdleConnections() {
	if c, ok := rt.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// statusOutcome is the outcome of an answer that arrives whole.
func statusOutcome(resp *http.Response) report.Outcome {
	if resp.StatusCode >= 400 {
		return report.HTTPError
	}
	return report.OK
}

type retryKey struct{}

// Retry marks requests made under the returned context as repeating one that failed
// ([report.FlagRetry]), so that an application's retries do not make an outage look larger
// than it is.
func Retry(ctx context.Context) context.Context { return context.WithValue(ctx, retryKey{}, true) }

func flags(ctx context.Context) (f report.Flags) {
	if ctx.Value(retryKey{}) != nil {
		f |= report.FlagRetry
	}
	return f
}
