// Package httpserve runs one HTTP listener with every timeout set.
package httpserve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Options describe a listener.
type Options struct {
	Name    string       // what it is, for errors: "collector"
	Listen  string       // host:port; port 0 picks a free one
	Handler http.Handler // required
	TLS     *tls.Config  // nil: plain HTTP
	Logger  *slog.Logger // required

	// WriteTimeout bounds one answer. 0 means 30 s; negative means none, for streams, which then
	// need their own deadline.
	WriteTimeout time.Duration
}

// Server is a running listener.
type Server struct {
	name string
	srv  *http.Server
	ln   net.Listener
	done chan error
}

// Start listens and serves until Shutdown. The listener is bound when Start returns.
func Start(o Options) (*Server, error) {
	ln, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("%s: listening on %s: %w (is another process there? change its listen key)", o.Name, o.Listen, err)
	}
	write := o.WriteTimeout
	switch {
	case write == 0:
		write = 30 * time.Second
	case write < 0:
		write = 0
	}
	s := &Server{name: o.Name, ln: ln, done: make(chan error, 1), srv: &http.Server{
		Handler:           o.Handler,
		TLSConfig:         o.TLS.Clone(), // net/http changes it
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      write,
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    16 << 10,
		// net/http's own messages carry peer addresses ("TLS handshake error from …"): they are
		// dropped, the metrics count requests.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}}
	go func() {
		if o.TLS != nil {
			s.done <- s.srv.ServeTLS(ln, "", "")
		} else {
			s.done <- s.srv.Serve(ln)
		}
	}()
	o.Logger.Info("listening", "component", o.Name, "address", ln.Addr().String(), "tls", o.TLS != nil)
	return s, nil
}

// Addr is the bound address, with the real port.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Wait blocks until the server has ended and says why; nil after a Shutdown. Call it at most once.
func (s *Server) Wait() error {
	if err := <-s.done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("%s: serving: %w", s.name, err)
	}
	return nil
}

// Shutdown stops accepting and waits for requests in flight until ctx ends, then cuts them. It
// is idempotent.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.srv.Shutdown(ctx); err != nil {
		return errors.Join(err, s.srv.Close())
	}
	return nil
}
