package httpprobe

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/heliograph-net/heliograph/prober/probe/conn"
)

// maxRedirects is how many redirects an attempt follows.
const maxRedirects = 10

// redirectError is a redirect that cannot be followed.
type redirectError struct{ error }

func (e redirectError) Unwrap() error { return e.error }

// redirect returns the request that follows answer, or nil if answer is the last.
func (h *httpProbe) redirect(from *hop, a *answer) (*hop, error) {
	code := a.StatusCode
	if !h.spec.FollowRedirects || !slices.Contains([]int{301, 302, 303, 307, 308}, code) || a.Header.Get("Location") == "" {
		return nil, nil
	}
	u, err := from.request.URL.Parse(a.Header.Get("Location"))
	if err != nil {
		return nil, redirectError{errors.New("location cannot be parsed")}
	}
	if u, err = parseURL(u.String()); err != nil {
		return nil, redirectError{err}
	}
	method, body, err := carryOver(from.request, code)
	if err != nil {
		return nil, err
	}
	header := from.request.Header.Clone()
	sameHost := u.Host == from.request.URL.Host
	if !sameHost {
		// credentials are only for the first host
		header.Del("Authorization")
		header.Del("Cookie")
	}
	next, err := newHop(method, u, header, body)
	if err != nil {
		return nil, redirectError{err}
	}
	if u.Scheme == "https" {
		next.tls = h.tls
		if !sameHost {
			next.tls = h.tls.For(u.Hostname())
		}
	}
	if sameHost && u.Scheme == from.request.URL.Scheme {
		return next, nil // at the same address
	}
	if next.dialer, err = conn.NewDialer(hostPort(u), conn.Addresses{Prefer: h.spec.Prefer, Fallback: h.spec.Fallback}, h.env); err != nil {
		return nil, redirectError{err}
	}
	return next, nil
}

// carryOver returns the method and the body of the request that follows an answer with that status
// (RFC 9110, section 15.4).
func carryOver(r *http.Request, code int) (method string, body []byte, err error) {
	switch {
	case code == 303 && r.Method != http.MethodHead, code <= 302 && r.Method == http.MethodPost:
		return http.MethodGet, nil, nil
	case r.GetBody == nil:
		return r.Method, nil, nil
	}
	again, err := r.GetBody()
	if err != nil {
		return "", nil, err
	}
	body, err = io.ReadAll(again)
	return r.Method, body, err
}

func hostPort(u *url.URL) string {
	o := Options{URL: u.String()}
	return o.Address()
}
