package httpserve

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

func start(t *testing.T, o Options) *Server {
	t.Helper()
	o.Name, o.Listen = "test", "127.0.0.1:0"
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(s.Run)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	return s
}

func TestServesAndShutsDown(t *testing.T) {
	s, err := New(Options{Name: "test", Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(s.Run)
	resp, err := http.Get("http://" + s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := stop(); err != nil {
		t.Errorf("Run = %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close after Run = %v", err)
	}
	if c, err := net.Dial("tcp", s.Addr()); err == nil {
		c.Close()
		t.Error("still listening")
	}
}

// A port that was bound and never served is free after Close.
func TestCloseFreesThePort(t *testing.T) {
	for range 2 {
		s, err := New(Options{Name: "test", Listen: "127.0.0.1:0", Handler: http.NotFoundHandler(), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		ln, err := net.Listen("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		ln.Close()
	}
}

// Run waits for requests in flight, and cuts them off if they take too long. Neither is an error.
func TestRequestsInFlightHaveTheirGrace(t *testing.T) {
	for name, tt := range map[string]struct {
		takes time.Duration
		cut   bool
	}{"quick": {200 * time.Millisecond, false}, "endless": {time.Hour, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arrived := make(chan struct{})
			s, err := New(Options{Name: "test", Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler), Grace: 2 * time.Second,
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					close(arrived)
					select {
					case <-time.After(tt.takes):
					case <-r.Context().Done():
					}
					_, _ = io.WriteString(w, "ok")
				})})
			if err != nil {
				t.Fatal(err)
			}
			stop := lifecycle.Background(s.Run)
			answered := make(chan error, 1)
			go func() {
				resp, err := http.Get("http://" + s.Addr())
				if err == nil {
					resp.Body.Close()
				}
				answered <- err
			}()
			<-arrived
			if err := stop(); err != nil {
				t.Error(err)
			}
			if err := <-answered; (err != nil) != tt.cut {
				t.Errorf("the client: %v", err)
			}
		})
	}
}

func TestPortInUseNamesListenerAndRemedy(t *testing.T) {
	s := start(t, Options{Handler: http.NotFoundHandler()})
	_, err := New(Options{Name: "second", Listen: s.Addr(), Handler: http.NotFoundHandler(), Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "second") || !strings.Contains(err.Error(), s.Addr()) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("err = %v", err)
	}
}

func TestHeaderFloodIsCut(t *testing.T) {
	s := start(t, Options{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("handler reached") })})
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() { // the server may stop reading before all of it is written
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nA: "+strings.Repeat("a", 1<<20)+"\r\n\r\n")
	}()
	line, _ := bufio.NewReader(c).ReadString('\n')
	if !strings.Contains(line, "431") {
		t.Errorf("answer = %q, want 431", line)
	}
}

func TestOnlyAPortInUseIsBlamedOnAnotherProcess(t *testing.T) {
	_, err := New(Options{Name: "test", Listen: "192.0.2.1:0", Handler: http.NotFoundHandler(), Logger: slog.New(slog.DiscardHandler)})
	if err == nil || strings.Contains(err.Error(), "another process") {
		t.Errorf("err = %v", err)
	}
}

// The number of idle connections is limited: a new connection replaces the oldest idle one,
// whatever that has sent. Busy ones stay.
func TestIdleConnectionsAreCapped(t *testing.T) {
	busy, release := make(chan struct{}), make(chan struct{})
	s, err := New(Options{Name: "test", Listen: "127.0.0.1:0", MaxConns: 20, Logger: slog.New(slog.DiscardHandler),
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				close(busy)
				<-release
			}
		})})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(s.Run)
	defer func() { _ = stop() }()
	dial := func(send string) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_, _ = io.WriteString(c, send)
		return c
	}
	answered := func(c net.Conn) bool {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err := http.ReadResponse(bufio.NewReader(c), nil)
		return err == nil
	}
	slow := dial("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
	<-busy
	var idle []net.Conn
	for n := range 60 {
		request := ""
		if n%2 == 0 { // the others never send anything
			request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
		}
		c := dial(request)
		if request != "" && !answered(c) {
			t.Fatalf("connection %d is not served", n)
		}
		idle = append(idle, c)
	}
	cut := 0
	for _, c := range idle {
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			cut++
		}
	}
	if cut < 40 || cut > 42 {
		t.Errorf("%d of 60 connections were cut, want those beyond 20", cut)
	}
	close(release)
	if !answered(slow) {
		t.Error("the one at work was cut")
	}
}
