package httpagent

import (
	"net/http"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// maxRedirects is how many consecutive requests http.Client makes before it gives up, unless its
// CheckRedirect says otherwise.
const maxRedirects = 10

// mayLoop reports whether an http.Client may give up after this response.
func mayLoop(resp *http.Response) bool {
	return resp.StatusCode >= 300 && resp.StatusCode < 400 && resp.Header.Get("Location") != "" && redirects(resp.Request) >= maxRedirects-1
}

// redirects counts the redirects that led to req, up to maxRedirects.
func redirects(req *http.Request) (n int) {
	for n < maxRedirects && req != nil && req.Response != nil {
		req = req.Response.Request
		n++
	}
	return n
}

// redirections are responses that the client may or may not follow. If it follows one, all is well;
// if not, it was a loop. The next request shows the former, but nothing shows the latter.
type redirections struct {
	mu      sync.Mutex
	open    []redirection // oldest first
	awaited bool          // a call of settle is arranged
}

type redirection struct {
	resp *http.Response
	at   time.Time
	seen agent.Observation // the observation if it is followed
}

const (
	maxRedirections = 16
	// the time within which a client follows a redirect
	redirectTime = time.Second
)

// expect adds a response that may be followed, and arranges that it is settled before the
// window ends.
func (rt *roundTripper) expect(resp *http.Response, o agent.Observation) {
	rs := &rt.redirections
	rs.mu.Lock()
	var oldest []redirection
	if len(rs.open) == maxRedirections {
		oldest, rs.open = rs.open[:1:1], rs.open[1:]
	}
	rs.open = append(rs.open, redirection{resp, time.Now(), o})
	first := !rs.awaited
	rs.awaited = true
	rs.mu.Unlock()
	rt.giveUp(oldest)
	if first {
		rt.agent.SettleLater(rt.settle)
	}
}

// follows is called for each request that follows a redirect.
func (rt *roundTripper) follows(req *http.Request) {
	rs := &rt.redirections
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for i, r := range rs.open {
		if r.resp == req.Response || r.resp.Request == req.Response.Request {
			rs.open = append(rs.open[:i:i], rs.open[i+1:]...)
			rt.agent.Observe(r.seen)
			return
		}
	}
}

// settle observes the redirects that were not followed, which were loops. Unless now is set, it
// leaves those that the client may still follow.
func (rt *roundTripper) settle(now bool) {
	rs := &rt.redirections
	rs.mu.Lock()
	n := 0
	for n < len(rs.open) && (now || time.Since(rs.open[n].at) >= redirectTime) {
		n++
	}
	loops := rs.open[:n:n]
	rs.open = rs.open[n:]
	rs.awaited = len(rs.open) > 0
	again := rs.awaited
	rs.mu.Unlock()
	rt.giveUp(loops)
	if again {
		rt.agent.SettleLater(rt.settle)
	}
}

func (rt *roundTripper) giveUp(loops []redirection) {
	for _, r := range loops {
		r.seen.Outcome = report.HTTPRedirectLoop
		rt.agent.Observe(r.seen)
	}
}
