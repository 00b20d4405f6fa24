package agenttest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing/iotest"
)

// behaviour is one thing that net/http's transport does with a server.
type behaviour struct {
	name  string
	http1 bool // HTTP/2 has no such thing
	// seen is what an application sees of it
	seen func(ctx context.Context, rt http.RoundTripper, url string) string
}

var behaviours = []behaviour{
	{name: "answer", seen: func(ctx context.Context, rt http.RoundTripper, url string) string {
		return exchanged(ctx, rt, "PUT", url+"/echo", strings.NewReader("payload"), nil)
	}},
	{name: "large body", seen: func(ctx context.Context, rt http.RoundTripper, url string) string {
		return exchanged(ctx, rt, "POST", url+"/echo", io.LimitReader(zeros{}, 1<<18), nil)
	}},
	{name: "no body", seen: func(ctx context.Context, rt http.RoundTripper, url string) string {
		return exchanged(ctx, rt, "HEAD", url+"/echo", nil, nil)
	}},
	{name: "error status", seen: func(ctx context.Context, rt http.RoundTripper, url string) string {
		return exchanged(ctx, rt, "GET", url+"/error", nil, nil)
	}},
	{name: "trailers", seen: func(ctx context.Context, rt http.RoundTripper, url string) string {
		return exchanged(ctx, rt, "GET", url+"/trailers", nil, nil)
	}},
	{name: "early hints", seen: func(ctx context.Context, rt http.RoundTripper, url string) string {
		var hints []string
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(code, h.Get("Link")))
			return nil
		}})
		return exchanged(ctx, rt, "GET", url+"/early", nil, nil) + fmt.Sprint(hints)
	}},
	{name: "continue", seen: func(ctx context.Context, rt http.RoundTripper, url string) string {
		return exchanged(ctx, rt, "POST", url+"/echo", strings.NewReader("after 100"), http.Header{"Expect": {"100-continue"}})
	}},
	{name: "no continue", seen: func(ctx context.Context, rt http.RoundTripper, url string) string {
		body := &counted{Reader: strings.NewReader(strings.Repeat("x", 100))}
		return exchanged(ctx, rt, "POST", url+"/refuse", body, http.Header{"Expect": {"100-continue"}}) + fmt.Sprint(" bytes read: ", body.n)
	}},
	{name: "upgrade", http1: true, seen: seeUpgrade},
	{name: "duplex", seen: seeDuplex},
	{name: "broken source", seen: func(ctx context.Context, rt http.RoundTripper, url string) string {
		return exchanged(ctx, rt, "POST", url+"/echo", iotest.ErrReader(errSource), nil)
	}},
	{name: "half an answer", seen: func(ctx context.Context, rt http.RoundTripper, url string) string {
		return exchanged(ctx, rt, "GET", url+"/half", nil, nil)
	}},
	{name: "no answer", seen: func(ctx context.Context, rt http.RoundTripper, url string) string {
		return exchanged(ctx, rt, "POST", url+"/abort", &counted{Reader: strings.NewReader("x")}, nil)
	}},
	{name: "cancelled before", seen: func(ctx context.Context, rt http.RoundTripper, url string) string {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return exchanged(ctx, rt, "GET", url+"/echo", nil, nil)
	}},
	{name: "cancelled in the body", seen: func(ctx context.Context, rt http.RoundTripper, url string) string {
		ctx, cancel := context.WithCancelCause(ctx)
		req, _ := http.NewRequestWithContext(ctx, "GET", url+"/slow", nil)
		resp, err := rt.RoundTrip(req)
		cancel(errSource)
		if err != nil {
			return kindOf(err)
		}
		_, err = io.ReadAll(resp.Body)
		return fmt.Sprint(resp.StatusCode, kindOf(err), kindOf(resp.Body.Close()))
	}},
	{name: "context's values", seen: func(ctx context.Context, rt http.RoundTripper, url string) string {
		var conns int
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { conns++ }})
		return exchanged(ctx, rt, "GET", url+"/echo", nil, nil) + fmt.Sprint(" connections told: ", conns)
	}},
	{name: "idle connections", seen: func(ctx context.Context, rt http.RoundTripper, url string) string {
		client := &http.Client{Transport: rt}
		reused := func() (was bool) {
			ctx := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { was = info.Reused }})
			_ = exchanged(ctx, rt, "GET", url+"/echo", nil, nil)
			return was
		}
		client.CloseIdleConnections()
		return fmt.Sprint(reused(), reused(), func() bool { client.CloseIdleConnections(); return reused() }())
	}},
}

// exchanged makes one request and describes the result.
func exchanged(ctx context.Context, rt http.RoundTripper, method, url string, body io.Reader, h http.Header) string {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err.Error()
	}
	maps.Copy(req.Header, h)
	before := req.Clone(ctx)
	resp, err := rt.RoundTrip(req)
	s := told(req, resp, err)
	if fmt.Sprint(req.Header, req.URL, req.Method, req.ContentLength) != fmt.Sprint(before.Header, before.URL, before.Method, before.ContentLength) || req.Context() != ctx {
		s += " request changed"
	}
	return s
}

func seeUpgrade(ctx context.Context, rt http.RoundTripper, url string) string {
	req, err := http.NewRequestWithContext(ctx, "GET", url+"/upgrade", nil)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return kindOf(err)
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		return "not to be written to"
	}
	_, err = io.WriteString(conn, "ping")
	b, readErr := io.ReadAll(conn)
	return fmt.Sprint(resp.StatusCode, string(b), kindOf(err), kindOf(readErr), kindOf(conn.Close()))
}

func seeDuplex(ctx context.Context, rt http.RoundTripper, url string) string {
	body, w := io.Pipe()
	req, err := http.NewRequestWithContext(ctx, "POST", url+"/duplex", body)
	if err != nil {
		return err.Error()
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return kindOf(err)
	}
	var s strings.Builder
	for i := range 3 {
		_, _ = fmt.Fprintf(w, "%04d", i) // not before the answer to the one before
		b := make([]byte, 4)
		_, err := io.ReadFull(resp.Body, b)
		fmt.Fprint(&s, string(b), kindOf(err))
	}
	_ = w.Close()
	return s.String() + told(req, resp, nil)
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// counted counts what is read of it.
type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

// double is a behaviour of a base that is no network's.
type double struct {
	name string
	seen func(ctx context.Context, wrap func(http.RoundTripper) http.RoundTripper) string
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var doubles = []double{
	{"error by identity", func(ctx context.Context, wrap func(http.RoundTripper) http.RoundTripper) string {
		req, _ := http.NewRequestWithContext(ctx, "GET", "https://shop.example", nil)
		resp, err := wrap(roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, errBase })).RoundTrip(req)
		return fmt.Sprint(resp == nil, err == errBase)
	}},
	{"nothing at all", func(ctx context.Context, wrap func(http.RoundTripper) http.RoundTripper) string {
		req, _ := http.NewRequestWithContext(ctx, "GET", "https://shop.example", nil)
		resp, err := wrap(roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, nil })).RoundTrip(req)
		return fmt.Sprint(resp == nil, err == nil)
	}},
	{"panic", func(ctx context.Context, wrap func(http.RoundTripper) http.RoundTripper) (s string) {
		req, _ := http.NewRequestWithContext(ctx, "GET", "https://shop.example", nil)
		defer func() { s = fmt.Sprint(recover() == errBase) }()
		_, _ = wrap(roundTripFunc(func(*http.Request) (*http.Response, error) { panic(errBase) })).RoundTrip(req)
		return "none"
	}},
	{"body after Close", func(ctx context.Context, wrap func(http.RoundTripper) http.RoundTripper) string {
		req, _ := http.NewRequestWithContext(ctx, "GET", "https://shop.example", nil)
		resp, err := wrap(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("payload")), Request: r}, nil
		})).RoundTrip(req)
		if err != nil {
			return err.Error()
		}
		_ = resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return fmt.Sprintf("%q %v", b, err)
	}},
	{"GetBody", func(ctx context.Context, wrap func(http.RoundTripper) http.RoundTripper) string {
		req, _ := http.NewRequestWithContext(ctx, "PUT", "https://shop.example", bytes.NewReader([]byte("again")))
		var s string
		resp, err := wrap(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			for range 2 {
				b, err := io.ReadAll(r.Body)
				s += fmt.Sprint(string(b), err, r.Body.Close())
				if r.Body, err = r.GetBody(); err != nil {
					return nil, err
				}
			}
			return nil, errBase
		})).RoundTrip(req)
		return s + fmt.Sprint(resp == nil, err)
	}},
}
