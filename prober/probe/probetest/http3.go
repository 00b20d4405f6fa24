package probetest

import (
	"crypto/tls"
	"net"
	"net/http"
	"testing"

	"github.com/quic-go/quic-go/http3"
)

// ServeHTTP3 runs an HTTP/3 server until the test ends, and returns its address.
func ServeHTTP3(t testing.TB, config *tls.Config, handler http.Handler) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http3.Server{TLSConfig: http3.ConfigureTLSConfig(config), Handler: handler}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(socket)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		_ = socket.Close()
		<-done
	})
	return socket.LocalAddr().String()
}
