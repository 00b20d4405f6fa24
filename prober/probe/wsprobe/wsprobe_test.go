package wsprobe_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/prober/probe/wsprobe"
	"github.com/heliograph-net/heliograph/report"
)

// accept opens a WebSocket and hands it to talk.
func accept(talk func(context.Context, *websocket.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat"}})
		if err != nil {
			return
		}
		defer ws.CloseNow()
		talk(r.Context(), ws)
	}
}

func echo(ctx context.Context, ws *websocket.Conn) {
	_ = ws.Write(ctx, websocket.MessageText, []byte("welcome"))
	for {
		kind, b, err := ws.Read(ctx)
		if err != nil {
			return
		}
		_ = ws.Write(ctx, kind, b)
	}
}

func TestProbeOfWebSockets(t *testing.T) {
	goodbye := func(_ context.Context, ws *websocket.Conn) { _ = ws.Close(websocket.StatusGoingAway, "") }
	stall := func(ctx context.Context, ws *websocket.Conn) { time.Sleep(2 * probetest.Soon) }
	for _, c := range []struct {
		name    string
		handle  http.HandlerFunc
		options wsprobe.Options
		want    report.Outcome
		step    string
		status  uint16
	}{
		{"ping", accept(echo), wsprobe.Options{}, report.OK, wsprobe.StepMessage, 101},
		{"greeting", accept(echo), wsprobe.Options{Expect: "^welcome$"}, report.OK, wsprobe.StepMessage, 101},
		{"echo", accept(echo), wsprobe.Options{Send: "hello", Expect: "^hello$", Subprotocols: []string{"chat"}}, report.OK, wsprobe.StepMessage, 101},
		{"sent", accept(echo), wsprobe.Options{Send: "hello"}, report.OK, wsprobe.StepMessage, 101},
		{"says something else", accept(echo), wsprobe.Options{Expect: "bye"}, report.TCPTimedOut, wsprobe.StepMessage, 101},
		{"stalls", accept(stall), wsprobe.Options{}, report.TCPTimedOut, wsprobe.StepMessage, 101},
		{"says goodbye", accept(goodbye), wsprobe.Options{}, report.WebSocketFailed, wsprobe.StepMessage, 101},
		{"a page", func(http.ResponseWriter, *http.Request) {}, wsprobe.Options{}, report.HTTPFailed, wsprobe.StepHandshake, 200},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) }, wsprobe.Options{}, report.HTTPFailed, wsprobe.StepHandshake, 302},
		{"403", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, wsprobe.Options{}, report.HTTPError, wsprobe.StepHandshake, 403},
		{"wrong key", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Sec-WebSocket-Accept", "nonsense")
			w.WriteHeader(101)
		}, wsprobe.Options{}, report.WebSocketFailed, wsprobe.StepHandshake, 101},
		{"breaks off", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, wsprobe.Options{}, report.WebSocketFailed, wsprobe.StepHandshake, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.handle)
			defer server.Close()
			c.options.URL = strings.Replace(server.URL, "http", "ws", 1) + "/chat"
			timeout := probetest.Limit
			if c.want == report.TCPTimedOut {
				timeout = probetest.Soon
			}
			r, err := probetest.Once(t, &c.options, probe.Env{}, timeout)
			if err != nil || r.Outcome != c.want || r.Ended() != c.step || r.Status != c.status {
				t.Errorf("%+v, %v; want %s in %s", r, err, c.want, c.step)
			}
		})
	}
}

func TestProbeOfWebSocketsOverTLS(t *testing.T) {
	server := httptest.NewTLSServer(accept(echo))
	defer server.Close()
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	spec := &wsprobe.Options{URL: strings.Replace(server.URL, "http", "ws", 1), TLS: conn.TLSOptions{RootCAs: roots}}
	if r, err := probetest.Once(t, spec, probe.Env{}, probetest.Limit); err != nil || r.Outcome != report.OK || r.CertificateEnds.IsZero() {
		t.Errorf("%+v, %v", r, err)
	}
	spec.TLS = conn.TLSOptions{}
	if r, err := probetest.Once(t, spec, probe.Env{}, probetest.Limit); err != nil || r.Outcome != report.TLSCertAuthorityInvalid {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestProbeOfStalledHandshake(t *testing.T) {
	address, accepted := probetest.Serve(t, func(c net.Conn) { probetest.Stall(c) })
	r, err := probetest.Once(t, &wsprobe.Options{URL: "ws://" + address}, probe.Env{}, probetest.Soon)
	if err != nil || r.Outcome != report.TCPTimedOut || r.Ended() != wsprobe.StepHandshake || accepted.Load() != 1 {
		t.Errorf("%+v, %v, %d connections", r, err, accepted.Load())
	}
}

func TestOptionsNameTheirFault(t *testing.T) {
	const u = "ws://a.example/"
	for want, o := range map[string]wsprobe.Options{
		"want a ws://": {URL: "http://a.example/"}, "without user": {URL: "ws://u:p@a.example/"}, "headers": {URL: u, Headers: map[string]string{"a b": ""}},
		"expect: err": {URL: u, Expect: "("},
	} {
		if _, err := o.Probe(probe.Env{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
