package demo

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// service is the monitored HTTPS service, on several addresses that share one port.
type service struct {
	Port    uint16
	tls     *tls.Config
	reset   atomic.Pointer[netip.Prefix] // the path from here is broken: connections are reset
	served  atomic.Uint64
	mu      sync.Mutex
	servers map[netip.Addr]*http.Server // guarded by mu; absent: dead
}

func startService(addrs []netip.Addr, conf *tls.Config) (*service, error) {
	var errs []error
	for range 5 { // a port that is free on the first address may be taken on another
		s := &service{tls: conf, servers: map[netip.Addr]*http.Server{}}
		err := s.startAll(addrs)
		if err == nil {
			return s, nil
		}
		s.Close()
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("service: %w", errors.Join(errs...))
}

func (s *service) startAll(addrs []netip.Addr) error {
	for _, a := range addrs {
		if err := s.Start(a); err != nil {
			return err
		}
	}
	return nil
}

// Start brings the server at addr up.
func (s *service) Start(addr netip.Addr) error {
	ln, err := net.Listen("tcp", netip.AddrPortFrom(addr, s.Port).String())
	if err != nil {
		return err
	}
	s.Port = ln.Addr().(*net.TCPAddr).AddrPort().Port()
	srv := &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 5 * time.Second, TLSConfig: s.tls.Clone(),
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	s.mu.Lock()
	s.servers[addr] = srv
	s.mu.Unlock()
	go func() { _ = srv.ServeTLS(brokenPath{ln, &s.reset}, "", "") }() // ends with Kill or Close
	return nil
}

// serve answers a request. One in a hundred fails with 503, as in a real service on a calm day.
func (s *service) serve(w http.ResponseWriter, _ *http.Request) {
	if s.served.Add(1)%100 == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "hello\n")
}

// Kill ends the server at addr at once, with its connections.
func (s *service) Kill(addr netip.Addr) {
	s.mu.Lock()
	srv := s.servers[addr]
	delete(s.servers, addr)
	s.mu.Unlock()
	if srv != nil {
		_ = srv.Close()
	}
}

// Server returns the address and port of a server, as named in reports.
func (s *service) Server(addr netip.Addr) string { return netip.AddrPortFrom(addr, s.Port).String() }

// URL returns the URL of the service.
func (s *service) URL() string {
	return "https://" + net.JoinHostPort(serviceName, strconv.Itoa(int(s.Port)))
}

// Close ends all servers.
func (s *service) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, srv := range s.servers {
		_ = srv.Close()
	}
	clear(s.servers)
}

// brokenPath is a listener that resets the connections from one network, like a broken middlebox
// on the path.
type brokenPath struct {
	net.Listener
	reset *atomic.Pointer[netip.Prefix]
}

func (b brokenPath) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := b.reset.Load()
		if from == nil || !from.Contains(c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()) {
			return c, nil
		}
		_ = c.(*net.TCPConn).SetLinger(0) // close sends RST
		_ = c.Close()
	}
}
