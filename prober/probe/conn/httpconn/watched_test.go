package httpconn

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// If the server resets the connection before the request begins, the error is that of the
// connection, however HTTP/2 calls it.
func TestErrorOfAConnectionThatEndedBefore(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled := make(chan struct{})
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		<-dialled
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		close(dialled)
		t.Fatal(err)
	}
	close(dialled)
	defer raw.Close()
	c := Watch(raw).(*watched)
	client, err := New(ctx, c, "h2")
	if err == nil {
		defer client.Close()
		for c.end() == nil && ctx.Err() == nil { // then the client knows, or soon will
			time.Sleep(time.Millisecond)
		}
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/", nil)
		_, err = client.RoundTrip(request)
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v, want a reset", err)
	}
}
