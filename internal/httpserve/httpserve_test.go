package httpserve

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
)

func start(t *testing.T, o Options) *Server {
	t.Helper()
	o.Name, o.Listen = "test", "127.0.0.1:0"
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Shutdown(t.Context()) })
	return s
}

func TestServesAndShutsDown(t *testing.T) {
	s := start(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })})
	resp, err := http.Get("http://" + s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Wait(); err != nil {
		t.Errorf("Wait after Shutdown = %v", err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("second Shutdown = %v", err)
	}
}

func TestPortInUseNamesListenerAndRemedy(t *testing.T) {
	s := start(t, Options{Handler: http.NotFoundHandler()})
	_, err := Start(Options{Name: "second", Listen: s.Addr(), Handler: http.NotFoundHandler(), Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "second") || !strings.Contains(err.Error(), s.Addr()) {
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
