package httpagent

import (
	"context"
	"net/http"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// Wrap returns base with a watching: every request that goes through it is observed once, when its
// answer's body has ended, failed or been closed, or when it got no answer. Requests, answers,
// bodies' bytes and errors pass unchanged. While a records nothing, requests pass without any
// detour. A nil base is [http.DefaultTransport].
//
// When a request fails, and now and then when one goes out, it looks at the addresses of the
// machine's network interfaces. That they have changed is all that is noted of them
// ([agent.Agent.NetworkChanged]).
func Wrap(a *agent.Agent, base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
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
}

// RoundTrip implements http.RoundTripper.
func (rt *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	if !rt.agent.Recording() || req.URL == nil {
		return rt.base.RoundTrip(req)
	}
	x := exchanges.Get().(*exchange)
	x.rt, x.req, x.start = rt, req, time.Since(rt.made) // half the price of time.Now
	x.host = rt.hosts.of(req.URL)
	if !x.host.calm(x.start) {
		rt.watchNetwork()
		x.trace = newTrace(req, rt.direct)
		req = &x.trace.watched
	}
	resp, err := rt.base.RoundTrip(req)
	switch {
	case err != nil:
		x.failed(err)
	case resp != nil:
		x.answered(resp)
	}
	return resp, err
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
	switch {
	case resp.StatusCode >= 400:
		return report.HTTPError
	case resp.StatusCode >= 300 && resp.Header.Get("Location") != "" && redirects(resp.Request) >= maxRedirects-1:
		return report.HTTPRedirectLoop
	default:
		return report.OK
	}
}

// maxRedirects is how many requests http.Client makes in a row before it gives up.
const maxRedirects = 10

// redirects counts the redirects that led to req.
func redirects(req *http.Request) (n int) {
	for n < maxRedirects && req != nil && req.Response != nil {
		req = req.Response.Request
		n++
	}
	return n
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
