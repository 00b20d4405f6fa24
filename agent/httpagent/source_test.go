package httpagent_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

var quietLog = log.New(io.Discard, "", 0)

// sinkServer reads what it is sent and says so.
func sinkServer(t *testing.T, h2 bool) *httptest.Server {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	s.EnableHTTP2 = h2
	if h2 {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// TestBodiesThatCannotBeRead: what fails is the application's, and no failure of the server that
// was to get it; with HTTP/1 and 2, traced and calm.
func TestBodiesThatCannotBeRead(t *testing.T) {
	refused := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	broken := func(err error) io.Reader {
		return io.MultiReader(strings.NewReader(strings.Repeat("x", 10_000)), iotest.ErrReader(err))
	}
	dir := t.TempDir()
	bodies := map[string]func() io.Reader{
		"another answer's reset": func() io.Reader { return broken(refused) },
		"cut short":              func() io.Reader { return broken(io.ErrUnexpectedEOF) },
		"timed out":              func() io.Reader { return broken(os.ErrDeadlineExceeded) },
		"pipe": func() io.Reader {
			r, w := io.Pipe()
			go func() { _, _ = w.Write([]byte("x")); _ = w.CloseWithError(errors.New("encoder failed")) }()
			return r
		},
		"directory": func() io.Reader { f, _ := os.Open(dir); return f },
		"closed file": func() io.Reader {
			f, err := os.Create(filepath.Join(dir, "f"))
			must(t, err)
			must(t, f.Close())
			return f
		},
	}
	for _, h2 := range []bool{false, true} {
		s := sinkServer(t, h2)
		tr := s.Client().Transport
		w := watch(t)
		client := &http.Client{Transport: httpagent.Wrap(w.Agent, tr)}
		for round := range 2 {
			for name, body := range bodies {
				if round == 1 {
					for range 20 { // calm
						must(t, get(t.Context(), client, s.URL))
					}
				}
				resp, err := client.Post(s.URL, "", body())
				if err == nil {
					_ = resp.Body.Close()
					t.Errorf("%s: no error", name)
				}
				if _, bare := (&http.Client{Transport: tr}).Post(s.URL, "", body()); bare == nil || err == nil || bare.Error() != err.Error() {
					t.Errorf("%s: bare %v, wrapped %v", name, bare, err)
				}
			}
		}
		spoil(w)
		counters, _ := w.seen(t)
		var abandoned uint64
		for _, c := range of(counters, s.URL) {
			switch c.Outcome {
			case report.OK:
			case report.Abandoned:
				abandoned += c.Count
			default:
				t.Errorf("HTTP/2 %v: %+v, want abandoned", h2, c)
			}
		}
		if abandoned != 2*uint64(len(bodies)) {
			t.Errorf("HTTP/2 %v: %d abandoned, want %d", h2, abandoned, 2*len(bodies))
		}
	}
}

// TestServerThatBreaksOffAnUpload is the server's fault, although the body then ends with an error.
func TestServerThatBreaksOffAnUpload(t *testing.T) {
	w := watch(t)
	addr := serve(t, func(c net.Conn) { readSome(c); reset(c) })
	client := &http.Client{Transport: httpagent.Wrap(w.Agent, newTransport(t, nil))}
	endless := func() io.Reader {
		r, pw := io.Pipe()
		go func() {
			for {
				if _, err := pw.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}()
		return r
	}
	if _, err := client.Post("http://"+addr, "", endless()); err == nil {
		t.Fatal("no error")
	}
	counters, _ := w.seen(t)
	if len(counters) != 1 || !counters[0].Outcome.Failed() || counters[0].Outcome == report.Abandoned {
		t.Errorf("counters %+v, want a failure of the connection", counters)
	}
}

// TestUserOfAProxyHangsUp: neither in the middle of an upload nor of an answer has the server
// behind the proxy failed.
func TestUserOfAProxyHangsUp(t *testing.T) {
	for name, hangUp := range map[string]func(t *testing.T, addr string){
		"upload": func(t *testing.T, addr string) {
			c, err := net.Dial("tcp", addr)
			must(t, err)
			_, err = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nsome")
			must(t, err)
			time.Sleep(50 * time.Millisecond)
			reset(c)
		},
		"answer": func(t *testing.T, addr string) {
			c, err := net.Dial("tcp", addr)
			must(t, err)
			_, err = io.WriteString(c, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
			must(t, err)
			readSome(c)
			reset(c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan struct{}, 1)
			backend := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				for r.URL.Path == "/endless" && r.Context().Err() == nil {
					_, _ = rw.Write(make([]byte, 1<<10))
					rw.(http.Flusher).Flush()
				}
				ended <- struct{}{}
			}))
			defer backend.Close()
			to, err := url.Parse(backend.URL)
			must(t, err)
			w := watch(t)
			proxy := &httputil.ReverseProxy{
				Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(to) },
				Transport:    httpagent.Wrap(w.Agent, newTransport(t, nil)),
				ErrorHandler: func(http.ResponseWriter, *http.Request, error) {},
				ErrorLog:     quietLog,
			}
			front := httptest.NewUnstartedServer(proxy)
			front.Config.ErrorLog = quietLog
			front.Start()
			hangUp(t, front.Listener.Addr().String())
			<-ended
			front.Close()
			for deadline := time.Now().Add(5 * time.Second); w.Stats().Observed == 0 && time.Now().Before(deadline); {
				time.Sleep(10 * time.Millisecond)
			}
			spoil(w)
			counters, _ := w.seen(t)
			got := of(counters, backend.URL)
			if len(got) != 1 || got[0].Outcome != report.Abandoned && got[0].Outcome != report.OK {
				t.Errorf("counters %+v, want abandoned, or ok when only the copy failed", got)
			}
		})
	}
}

// TestBodiesInMemoryGoOutAsTheyAre: net/http knows what can be sent again, and spares itself work.
func TestBodiesInMemoryGoOutAsTheyAre(t *testing.T) {
	w := watch(t)
	var seen *http.Request
	rt := httpagent.Wrap(w.Agent, roundTripper(func(r *http.Request) (*http.Response, error) {
		seen = r
		return memoryAnswer(r)
	}))
	for _, body := range []io.Reader{nil, http.NoBody, strings.NewReader("x"), bytes.NewReader([]byte("x")), bytes.NewBufferString("x")} {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPut, "https://shop.example", body)
		must(t, err)
		resp, err := rt.RoundTrip(req)
		must(t, err)
		must(t, resp.Body.Close())
		if seen.Body != req.Body {
			t.Errorf("%T goes out as %T", req.Body, seen.Body)
		}
	}
}

// TestBodiesThatAreSentAgain: the second copy is watched like the first.
func TestBodiesThatAreSentAgain(t *testing.T) {
	w := watch(t)
	again := errors.New("cannot be opened again")
	rt := httpagent.Wrap(w.Agent, roundTripper(func(r *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		_, err = io.Copy(io.Discard, body)
		return nil, err
	}))
	for _, getBody := range []func() (io.ReadCloser, error){
		func() (io.ReadCloser, error) { return nil, again },
		func() (io.ReadCloser, error) { return io.NopCloser(iotest.ErrReader(again)), nil },
	} {
		req, err := http.NewRequest(http.MethodPut, "https://shop.example", double{strings.NewReader("x")})
		must(t, err)
		req.GetBody = getBody
		if _, err := rt.RoundTrip(req); err != again {
			t.Errorf("got %v", err)
		}
	}
	counters, _ := w.seen(t)
	if got := of(counters, "https://shop.example"); len(got) != 1 || got[0].Outcome != report.Abandoned || got[0].Count != 2 {
		t.Errorf("counters %+v, want 2 abandoned", got)
	}
}
