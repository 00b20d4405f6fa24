// Package httpserve runs one HTTP listener with every timeout set. Start with [New].
package httpserve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

// Options configures a listener.
type Options struct {
	Name    string       // used in errors, such as "collector"
	Listen  string       // host:port; port 0 picks a free one
	Handler http.Handler // required
	TLS     *tls.Config  // nil means plain HTTP
	Logger  *slog.Logger // required

	// WriteTimeout is the time limit of one answer. 0 means 30 s. A negative value means none;
	// streams then need their own deadline.
	WriteTimeout time.Duration
	// Grace is how long requests in flight may take when Run ends, before they are cut off. 0 means
	// 300 ms.
	Grace time.Duration
	// MaxConns is the most connections open at one time. An idle one takes 21 KB. Beyond MaxConns,
	// the connection that has been idle for longest is closed, or the new one if none is idle. 0
	// means 8192.
	MaxConns int

	// Proxies are the TCP proxies in front of the listener. They must begin each connection with a
	// header of the PROXY protocol, version 1 or 2.
	Proxies []netip.Prefix
	// Metrics counts failed connections. nil means no metrics.
	Metrics prometheus.Registerer
}

// Server is a bound listener.
type Server struct {
	name  string
	srv   *http.Server
	ln    net.Listener
	grace time.Duration
	log   *slog.Logger
}

// New binds a listener, so that errors of the port are reported early and [Server.Addr] is known.
// Connections wait until [Server.Run] is called. If it is never called, [Server.Close] frees the
// port.
func New(o Options) (*Server, error) {
	ln, err := net.Listen("tcp", o.Listen)
	if err != nil {
		hint := ""
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			hint = " (another process is there: change the listen key)"
		case errors.Is(err, syscall.EADDRNOTAVAIL):
			hint = " (this host has no such address: change the listen key)"
		case errors.Is(err, syscall.EACCES):
			hint = " (ports below 1024 are for root and processes with CAP_NET_BIND_SERVICE, which the unit for systemd gives: change the listen key otherwise)"
		}
		return nil, fmt.Errorf("%s: listening on %s: %w%s", o.Name, o.Listen, err, hint)
	}
	switch {
	case o.WriteTimeout == 0:
		o.WriteTimeout = 30 * time.Second
	case o.WriteTimeout < 0:
		o.WriteTimeout = 0
	}
	if o.Grace == 0 {
		o.Grace = 300 * time.Millisecond
	}
	if o.MaxConns == 0 {
		o.MaxConns = 8192
	}
	failed, err := newFailures(o.Name, o.Metrics)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: registering metrics: %w", o.Name, err), ln.Close())
	}
	if len(o.Proxies) > 0 {
		ln = proxied(ln, o.Proxies, failed)
	}
	open, requests := newConns(o.MaxConns), newRequests(failed)
	return &Server{name: o.Name, ln: ln, grace: o.Grace, log: o.Logger, srv: &http.Server{
		Handler:     requests.handler(o.Handler),
		ConnContext: requests.context,
		ConnState: func(c net.Conn, state http.ConnState) {
			requests.changed(c, state)
			open.changed(c, state)
		},
		TLSConfig:         o.TLS.Clone(), // net/http changes it
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      o.WriteTimeout,
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    16 << 10,
		// Messages of net/http contain the addresses of clients ("TLS handshake error from …"), so
		// they are dropped, and those of handshakes counted.
		ErrorLog: log.New(failed, "", 0),
	}}, nil
}

// Addr returns the bound address, with the real port.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Run serves until ctx ends. It then stops accepting connections, waits for requests in flight,
// cuts off those that take longer than Options.Grace, and returns nil. It may be called once.
func (s *Server) Run(ctx context.Context) error {
	s.log.Info("listening", "component", s.name, "address", s.Addr(), "tls", s.srv.TLSConfig != nil)
	served := make(chan error, 1)
	go func() { served <- s.serve() }() // ends with the listener, before Run returns
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.grace)
	defer cancel()
	if s.srv.Shutdown(wait) != nil {
		_ = s.srv.Close() // the remaining requests have had their grace
	}
	<-served
	return nil
}

func (s *Server) serve() error {
	if s.srv.TLSConfig != nil {
		return s.srv.ServeTLS(s.ln, "", "")
	}
	return s.srv.Serve(s.ln)
}

// Close frees the port. It is idempotent and does nothing after Run.
func (s *Server) Close() error {
	if err := s.ln.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Part returns the listener as a part of a process.
func (s *Server) Part() lifecycle.Part {
	return lifecycle.Part{Name: s.name + " listener", Run: s.Run, Close: s.Close}
}
