package httpagent_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// spoil makes one request fail, so that the window with the others is sent.
func spoil(w *watcher) {
	w.Observe(agent.Observation{Scheme: "https", Host: "spoil.example", Outcome: report.TCPRefused})
}

// of returns the counters of a target.
func of(counters []report.Counter, target string) (out []report.Counter) {
	for _, c := range counters {
		if c.Target == target {
			out = append(out, c)
		}
	}
	return out
}

func TestSuccessIsCountedOnce(t *testing.T) {
	ca := newAuthority(t)
	handler := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/empty":
			rw.WriteHeader(http.StatusNoContent)
		default:
			_, _ = io.WriteString(rw, strings.Repeat("body ", 1000))
		}
	})
	for _, protocol := range []string{"http/1.1", "h2"} {
		t.Run(strings.ReplaceAll(protocol, "/", " "), func(t *testing.T) {
			s := httptest.NewUnstartedServer(handler)
			s.EnableHTTP2 = protocol == "h2"
			s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.certificate(t, nil)}}
			s.StartTLS()
			defer s.Close()
			w := watch(t)
			client := &http.Client{Transport: httpagent.Wrap(w.Agent, newTransport(t, ca.pool))}
			for _, path := range []string{"/", "/empty", "/"} {
				must(t, get(t.Context(), client, s.URL+path))
			}
			resp, err := client.Head(s.URL)
			must(t, err)
			must(t, resp.Body.Close())
			resp, err = client.Get(s.URL) // closed without being read
			must(t, err)
			must(t, resp.Body.Close())
			must(t, resp.Body.Close())
			spoil(w)
			counters, _ := w.seen(t)
			server := s.Listener.Addr().String()
			want := []report.Counter{
				{Target: s.URL, Outcome: report.OK, Protocol: protocol, Server: server, Status: 200, Count: 4},
				{Target: s.URL, Outcome: report.OK, Protocol: protocol, Server: server, Status: 204, Count: 1},
			}
			if got := of(counters, s.URL); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
				t.Errorf("counters %+v, want %+v", got, want)
			}
		})
	}
}

// TestNothingChangesForTheApplication: what goes through is what would have come without an agent.
func TestNothingChangesForTheApplication(t *testing.T) {
	w := watch(t)
	payload := bytes.Repeat([]byte{0, 1, 2, 255}, 10_000)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("X-Seen", r.Header.Get("X-Mine"))
		b, _ := io.ReadAll(r.Body)
		_, _ = rw.Write(b)
	}))
	defer s.Close()
	var hooks atomic.Int32
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { hooks.Add(1) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, s.URL+"/a?b=c", bytes.NewReader(payload))
	must(t, err)
	req.Header.Set("X-Mine", "1")
	before := req.Clone(ctx)
	resp, err := httpagent.Wrap(w.Agent, newTransport(t, nil)).RoundTrip(req)
	must(t, err)
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	must(t, resp.Body.Close())
	if !bytes.Equal(b, payload) || resp.Header.Get("X-Seen") != "1" || resp.Request != req || hooks.Load() != 1 {
		t.Errorf("%d bytes, header %q, own request %v, %d of the application's hooks called", len(b), resp.Header.Get("X-Seen"), resp.Request == req, hooks.Load())
	}
	if fmt.Sprint(req.Header, req.URL, req.Method) != fmt.Sprint(before.Header, before.URL, before.Method) {
		t.Error("the request was changed")
	}
}

// TestUpgrade: the connection that a 101 hands over is the transport's own.
func TestUpgrade(t *testing.T) {
	w := watch(t)
	addr := serve(t, func(c net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		_ = req.Body.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(c, c)
	})
	req, err := http.NewRequest(http.MethodGet, "http://"+addr, nil)
	must(t, err)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := httpagent.Wrap(w.Agent, newTransport(t, nil)).RoundTrip(req)
	must(t, err)
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		t.Fatalf("body %T cannot be written to", resp.Body)
	}
	_, err = io.WriteString(conn, "ping")
	must(t, err)
	answer := make([]byte, 4)
	_, err = io.ReadFull(conn, answer)
	must(t, err)
	must(t, conn.Close())
	spoil(w)
	counters, _ := w.seen(t)
	if got := of(counters, "http://"+addr); string(answer) != "ping" || len(got) != 1 || got[0].Outcome != report.OK || got[0].Status != 101 {
		t.Errorf("answer %q, counters %+v", answer, got)
	}
}

func TestErrorsPassUnchanged(t *testing.T) {
	w := watch(t)
	want := errors.New("of a transport that nobody knows")
	base := roundTripper(func(*http.Request) (*http.Response, error) { return nil, want })
	req, err := http.NewRequest(http.MethodGet, "https://shop.example/x", nil)
	must(t, err)
	resp, err := httpagent.Wrap(w.Agent, base).RoundTrip(req)
	if resp != nil || err != want {
		t.Errorf("got %v, %v", resp, err)
	}
	counters, _ := w.seen(t)
	if got := of(counters, "https://shop.example"); len(got) != 1 || got[0].Outcome != report.Unknown {
		t.Errorf("counters %+v, want unknown", got)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRedirectLoop(t *testing.T) {
	w := watch(t)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "/again", http.StatusFound)
	}))
	defer s.Close()
	client := &http.Client{Transport: httpagent.Wrap(w.Agent, newTransport(t, nil))}
	err := get(t.Context(), client, s.URL)
	if got := httpagent.Classify(t.Context(), err); got != report.HTTPRedirectLoop {
		t.Errorf("Classify of %v: %v", err, got)
	}
	counters, _ := w.seen(t)
	if got := of(counters, s.URL); len(got) != 2 || got[0].Outcome != report.HTTPRedirectLoop || got[0].Count != 1 || got[1].Count != 9 {
		t.Errorf("counters %+v, want 9 ok and then a loop", got)
	}
}

func TestWhatASampleTells(t *testing.T) {
	w := watch(t)
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	req, err := http.NewRequestWithContext(httpagent.Retry(t.Context()), http.MethodPost,
		strings.Replace(s.URL, "http://", "http://bob:secret1@", 1)+"/cart/items?token=secret2#secret3", strings.NewReader("secret4"))
	must(t, err)
	req.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	resp, err := httpagent.Wrap(w.Agent, newTransport(t, nil)).RoundTrip(req)
	must(t, err)
	_, _ = io.Copy(io.Discard, resp.Body)
	must(t, resp.Body.Close())
	counters, samples := w.seen(t)
	if len(counters) != 1 || counters[0].Flags != report.FlagRetry {
		t.Errorf("counters %+v, want a marked retry", counters)
	}
	if len(samples) != 1 || samples[0].URL != s.URL+"/cart/items" || samples[0].Method != "POST" || samples[0].Status != 404 ||
		samples[0].Flags != report.FlagRetry || fmt.Sprintf("%x", samples[0].TraceID) != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("samples %+v", samples)
	}
	if all := fmt.Sprintf("%+v", samples); strings.Contains(all, "secret") {
		t.Errorf("samples tell a secret: %s", all)
	}
}

// TestServerOfAReusedConnection: the address is that of the connection, and of a failed dial the
// one that the error is about.
func TestServerOfAReusedConnection(t *testing.T) {
	w := watch(t)
	n := 0
	addr := serve(t, func(c net.Conn) {
		for r := bufio.NewReader(c); ; {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_ = req.Body.Close()
			if n++; n == 3 {
				reset(c)
				return
			}
			_, _ = io.WriteString(c, okAnswer)
		}
	})
	client := &http.Client{Transport: httpagent.Wrap(w.Agent, newTransport(t, nil))}
	must(t, get(t.Context(), client, "http://"+addr))
	must(t, get(t.Context(), client, "http://"+addr))
	req, err := http.NewRequest(http.MethodPost, "http://"+addr, strings.NewReader("not repeated by net/http itself"))
	must(t, err)
	if _, err := client.Do(req); err == nil {
		t.Fatal("the reset connection answered")
	}
	counters, _ := w.seen(t)
	if len(counters) != 2 || counters[0].Count != 2 || counters[0].Server != addr || counters[1].Server != addr || counters[1].Outcome != report.TCPReset {
		t.Errorf("counters %+v", counters)
	}
}

// TestServerOfAFailedDial: of a name's addresses, the error is about the first that was tried, and
// so is the report.
func TestServerOfAFailedDial(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		answer := new(dns.Msg).SetReply(q)
		answer.RecursionAvailable = true
		if q.Question[0].Qtype == dns.TypeA {
			for _, ip := range []string{"127.0.0.2", "127.0.0.3"} {
				answer.Answer = append(answer.Answer, &dns.A{
					Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}, A: net.ParseIP(ip),
				})
			}
		}
		_ = w.WriteMsg(answer)
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.ActivateAndServe() }()
	defer func() { _ = conn.Close(); <-done }()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, closed.Close())
	_, port, err := net.SplitHostPort(closed.Addr().String())
	must(t, err)

	w := watch(t)
	tr := newTransport(t, nil)
	tr.DialContext = (&net.Dialer{Resolver: resolver(conn.LocalAddr().String())}).DialContext
	err = get(t.Context(), &http.Client{Transport: httpagent.Wrap(w.Agent, tr)}, "http://shop.test:"+port)
	counters, _ := w.seen(t)
	if len(counters) != 1 || counters[0].Outcome != report.TCPRefused || !strings.Contains(err.Error(), counters[0].Server) {
		t.Errorf("counters %+v; the error is %v", counters, err)
	}
}

// TestNoConsentLeavesNoTrace watches the disk and the wire.
func TestNoConsentLeavesNoTrace(t *testing.T) {
	op := newOperator(t)
	var contacts atomic.Int32
	collector := "http://" + serve(t, func(net.Conn) { contacts.Add(1) })
	service := httptest.NewServer(http.NotFoundHandler())
	defer service.Close()
	home := t.TempDir()
	t.Chdir(home)
	dir := filepath.Join(home, "spool")
	spool, err := diskspool.Open(dir, diskspool.Options{})
	must(t, err)
	a, err := agent.New(agent.Options{
		App: "test", Policy: op.policy(t, collector), Spool: spool, Transport: httpagent.NewTransport(httpagent.TransportOptions{}),
	})
	must(t, err)
	client := &http.Client{Transport: httpagent.Wrap(a, newTransport(t, nil))}
	for range 10 {
		must(t, get(t.Context(), client, service.URL+"/x"))
	}
	must(t, a.Flush(t.Context()))
	// longer than an agent with consent waits for its first contact
	time.Sleep(1100 * time.Millisecond)
	must(t, a.Shutdown(t.Context()))
	left, err := os.ReadDir(home)
	must(t, err)
	if len(left) != 0 || contacts.Load() != 0 {
		t.Errorf("files %v and %d connections, want none", left, contacts.Load())
	}

	// The same with consent does leave traces, so the watching works.
	spool, err = diskspool.Open(dir, diskspool.Options{})
	must(t, err)
	a, err = agent.New(agent.Options{
		App: "test", Policy: op.policy(t, collector), Consent: report.Counts, Spool: spool,
		Transport: httpagent.NewTransport(httpagent.TransportOptions{}),
	})
	must(t, err)
	must(t, get(t.Context(), &http.Client{Transport: httpagent.Wrap(a, newTransport(t, nil))}, service.URL))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_ = a.Shutdown(ctx)
	if left, _ = os.ReadDir(dir); len(left) == 0 || contacts.Load() == 0 {
		t.Errorf("with consent: files %v and %d connections", left, contacts.Load())
	}
	text := new(bytes.Buffer)
	for _, f := range left {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		must(t, err)
		text.WriteString(f.Name())
		text.Write(b)
	}
	if strings.Contains(text.String(), strings.TrimPrefix(service.URL, "http://")) {
		t.Error("the spool names the service")
	}
}

func TestConcurrentRequests(t *testing.T) {
	w := watch(t)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fail" {
			rw.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(rw, "body")
	}))
	defer s.Close()
	client := &http.Client{Transport: httpagent.Wrap(w.Agent, newTransport(t, nil))}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 25 {
				path := "/"
				if i%5 == 0 {
					path = "/fail"
				}
				if err := get(t.Context(), client, s.URL+path); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	counters, _ := w.seen(t)
	got := of(counters, s.URL)
	if len(got) != 2 || got[0].Outcome != report.HTTPError || got[0].Count != 40 || got[1].Count != 160 {
		t.Errorf("counters %+v, want 40 errors and 160 ok", got)
	}
}

// memoryAnswer is a RoundTripper without a network.
func memoryAnswer(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: req}, nil
}

func BenchmarkRoundTrip(b *testing.B) {
	w := watch(b)
	for _, bench := range []struct {
		name string
		rt   http.RoundTripper
	}{{"plain", roundTripper(memoryAnswer)}, {"wrapped", httpagent.Wrap(w.Agent, roundTripper(memoryAnswer))}} {
		b.Run(bench.name, func(b *testing.B) {
			req, err := http.NewRequest(http.MethodGet, "https://shop.example/", nil)
			must(b, err)
			b.ReportAllocs()
			for b.Loop() {
				resp, err := bench.rt.RoundTrip(req)
				must(b, err)
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
}
