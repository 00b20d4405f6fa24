package agenttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestRoundTripper checks that an [http.RoundTripper] that wraps another one changes nothing for
// its user: bodies, trailers, informational responses, upgrades, Expect: 100-continue, streams in
// both directions, bodies that are sent again, idle connections, contexts, the identity of errors,
// and panics. wrap is called with several bases. Each behaviour is tried with the bare base and
// with the wrapped one, over HTTP/1 and HTTP/2 on loopback, and the results must be the same. It is
// tried several times, because a wrapper may change its behaviour after the first request. Run it
// with the race detector.
func TestRoundTripper(t *testing.T, wrap func(base http.RoundTripper) http.RoundTripper) {
	for _, b := range behaviours {
		for _, h2 := range []bool{false, true} {
			if h2 && b.http1 {
				continue
			}
			t.Run(fmt.Sprintf("%s/HTTP2=%v", b.name, h2), func(t *testing.T) {
				s, transport := behaviourServer(t, h2)
				compare(t, "new", b.seen(t.Context(), wrap(transport()), s.URL), b.seen(t.Context(), transport(), s.URL))
				bare, wrapped := transport(), wrap(transport())
				// by now a wrapper may know the host, and net/http has an idle connection
				for range 20 {
					for _, rt := range []http.RoundTripper{bare, wrapped} {
						if err := send(rt, s.URL+"/echo"); err != nil {
							t.Fatal(err)
						}
					}
				}
				for range 3 {
					compare(t, "used", b.seen(t.Context(), wrapped, s.URL), b.seen(t.Context(), bare, s.URL))
				}
			})
		}
	}
	for _, b := range doubles {
		t.Run(b.name, func(t *testing.T) {
			for range 20 {
				bare := func(base http.RoundTripper) http.RoundTripper { return base }
				compare(t, "new", b.seen(t.Context(), wrap), b.seen(t.Context(), bare))
			}
		})
	}
}

// behaviourServer is a server for behaviours, and a maker of transports to it.
func behaviourServer(t *testing.T, h2 bool) (*httptest.Server, func() http.RoundTripper) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(behave))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.EnableHTTP2 = h2
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, func() http.RoundTripper {
		tr := s.Client().Transport.(*http.Transport).Clone()
		tr.ForceAttemptHTTP2 = h2
		tr.ExpectContinueTimeout = 5 * time.Second
		t.Cleanup(tr.CloseIdleConnections)
		return tr
	}
}

// behave is what the server does.
func behave(w http.ResponseWriter, r *http.Request) {
	flush := func() { _ = http.NewResponseController(w).Flush() }
	switch r.URL.Path {
	case "/trailers":
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "body")
		w.Header().Set("X-Sum", "42")
	case "/early":
		w.Header().Set("Link", "</style.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusNoContent)
	case "/refuse": // without reading the body
		w.WriteHeader(http.StatusExpectationFailed)
	case "/upgrade":
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			_, _ = io.CopyN(c, c, 4)
			_ = c.Close()
		}
	case "/duplex":
		_ = http.NewResponseController(w).EnableFullDuplex()
		flush()
		b := make([]byte, 4)
		for {
			if _, err := io.ReadFull(r.Body, b); err != nil {
				return
			}
			_, _ = w.Write(b)
			flush()
		}
	case "/half":
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
		flush()
		panic(http.ErrAbortHandler)
	case "/abort":
		panic(http.ErrAbortHandler)
	case "/error":
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "sorry")
	case "/slow":
		flush()
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // no end that could be taken for a good one
	default:
		w.Header().Set("X-Method", r.Method)
		_, _ = io.Copy(w, r.Body)
	}
}

func compare(t *testing.T, which, wrapped, bare string) {
	t.Helper()
	if wrapped != bare {
		t.Errorf("%s transport: wrapped\n%s\nbare\n%s", which, wrapped, bare)
	}
}

// send makes a request that must succeed.
func send(rt http.RoundTripper, url string) error {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}

// told describes a response completely, including reads after its end.
func told(req *http.Request, resp *http.Response, err error) string {
	if err != nil {
		return "error " + kindOf(err)
	}
	var s strings.Builder
	fmt.Fprintf(&s, "%d %s %d own request %v", resp.StatusCode, resp.Proto, resp.ContentLength, resp.Request == req)
	b, err := io.ReadAll(resp.Body)
	fmt.Fprintf(&s, "\nbody of %d bytes %.40q %s", len(b), b, kindOf(err))
	_, err = resp.Body.Read(make([]byte, 1))
	fmt.Fprintf(&s, "\nread at the end: %s", kindOf(err))
	fmt.Fprintf(&s, "\nclose: %s", kindOf(resp.Body.Close()))
	_, err = resp.Body.Read(make([]byte, 1))
	fmt.Fprintf(&s, "\nread after close: %s", kindOf(err))
	fmt.Fprintf(&s, "\nclose again: %s", kindOf(resp.Body.Close()))
	fmt.Fprintf(&s, "\ntrailer %v", resp.Trailer)
	return s.String()
}

// kindOf describes an error without the parts that differ between connections.
func kindOf(err error) string {
	if err == nil {
		return "nil"
	}
	for _, known := range []error{io.EOF, io.ErrUnexpectedEOF, context.Canceled, context.DeadlineExceeded, errSource, errBase} {
		if errors.Is(err, known) {
			return fmt.Sprintf("%T is %v", err, known)
		}
	}
	text := err.Error()
	if i := strings.Index(text, "127.0.0.1"); i >= 0 {
		text = text[:i]
	}
	return fmt.Sprintf("%T %s", err, text)
}

var (
	errSource = errors.New("source broke")
	errBase   = errors.New("base broke")
)
